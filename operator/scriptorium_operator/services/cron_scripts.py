"""CronScripts: their CronJobs and inline Scripts in place, and their status true."""

import logging
from dataclasses import dataclass, replace
from datetime import timedelta

from scriptorium_api import names
from scriptorium_api.cron_script import CronScript, CronScriptStatus, Executor
from scriptorium_api.script import Limits, Script
from scriptorium_operator.build import cron_job, cron_status, inline_script
from scriptorium_operator.build.cron_job import CronOrder
from scriptorium_operator.build.cron_status import Scene
from scriptorium_operator.context import Context
from scriptorium_operator.decide import cron_status as pace
from scriptorium_operator.decide.retention import HistoryLimits
from scriptorium_operator.errors import ClusterRefused
from scriptorium_operator.facts import Key, Kind, Manifest
from scriptorium_operator.gateways import reading
from scriptorium_operator.services import objects, pools

log = logging.getLogger(__name__)
