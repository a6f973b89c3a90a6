{{/* The labels of everything of the operator. */}}
{{- define "scriptorium.labels" -}}
{{ include "scriptorium.selector" . }}
app.kubernetes.io/part-of: scriptorium
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* The labels that find the operator's pods; a Deployment's selector can never change. */}}
{{- define "scriptorium.selector" -}}
app.kubernetes.io/name: scriptorium
app.kubernetes.io/component: operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{/* The labels of what the runners use. */}}
{{- define "scriptorium.runnerLabels" -}}
app.kubernetes.io/name: scriptorium
app.kubernetes.io/component: runner
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: scriptorium
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{- define "scriptorium.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* Whether the API server asks the operator, and whose certificate it is shown. */}}
{{- define "scriptorium.webhooks" -}}
{{ if not .Values.webhooks.enabled }}off{{ else if .Values.webhooks.certManager.enabled }}mounted{{ else }}own{{ end }}
{{- end }}

{{/* Has cert-manager tell the API server by which authority it knows the operator. */}}
{{- define "scriptorium.injectedTrust" -}}
{{- if .Values.webhooks.certManager.enabled -}}
annotations:
  cert-manager.io/inject-ca-from: {{ .Release.Namespace }}/scriptorium-webhook
{{- end }}
{{- end }}

{{/* Says of a request that it bears the name of one of our accounts: the operator's, or a runner's in its namespace. */}}
{{- define "scriptorium.ourAccounts" -}}
request.userInfo.username in [
'system:serviceaccount:{{ .Release.Namespace }}:scriptorium-operator',
'system:serviceaccount:' + request.namespace + ':scriptorium-runner-default']
{{- end }}

{{/* Says that a pod asks: who impersonates an account, or has a token of it made for himself, has none. */}}
{{- define "scriptorium.fromPod" -}}
has(request.userInfo.extra) &&
'authentication.kubernetes.io/pod-name' in request.userInfo.extra
{{- end }}

{{/* Says that a pod of ours asks, and not somebody who has borrowed its account. */}}
{{- define "scriptorium.ours" -}}
{{ include "scriptorium.ourAccounts" . }} &&
{{ include "scriptorium.fromPod" . }}
{{- end }}

{{/* Says that none of our pods does. */}}
{{- define "scriptorium.notOurs" -}}
!({{ include "scriptorium.ours" . }})
{{- end }}

{{/* The labels of what `helm test` runs. */}}
{{- define "scriptorium.testLabels" -}}
app.kubernetes.io/name: scriptorium
app.kubernetes.io/component: test
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: scriptorium
app.kubernetes.io/managed-by: {{ .Release.Service }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end }}

{{/* What makes an object a part of `helm test`; its argument is the place in the order. */}}
{{- define "scriptorium.testHook" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}
