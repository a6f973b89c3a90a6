-- What wrk does besides asking: prints its figures as one line of JSON and, in a run that checks, judges every answer.
local expected = os.getenv("BENCH_EXPECTED")
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

if expected then
  -- Both make wrk slower, so what is timed goes without them. They run in a state of their own for each thread.
  asked, answered, wrong, refused, example = 0, 0, 0, 0, ""
  local last = os.time() + tonumber(os.getenv("BENCH_ASK_SECONDS"))

  -- At the end nobody asks any more, so that whatever is not answered then was lost.
  function delay()
    return os.time() < last and 0 or 3600000
  end

  function request()
    asked = asked + 1
    return wrk.format()
  end

  function response(status, headers, body)
    answered = answered + 1
    if status == 200 and body == expected then return end
    if status == 429 or status == 503 then
      refused = refused + 1
    else
      wrong = wrong + 1
      example = status .. " " .. string.sub(body, 1, 60)
    end
  end
end

local function add_up(name)
  local sum = 0
  for _, thread in ipairs(threads) do sum = sum + (thread:get(name) or 0) end
  return sum
end

local function find_example()
  for _, thread in ipairs(threads) do
    local found = thread:get("example")
    if found and found ~= "" then return found end
  end
  return ""
end

local function quote(text)
  return '"' .. string.gsub(text, "[^%w .,:/_-]", "?") .. '"'
end

function done(summary, latency, requests)
  local fields = {
    seconds = summary.duration / 1e6,
    requests = summary.requests,
    p50 = latency:percentile(50) / 1e6,
    p90 = latency:percentile(90) / 1e6,
    p99 = latency:percentile(99) / 1e6,
    max = latency.max / 1e6,
    connect = summary.errors.connect,
    read = summary.errors.read,
    write = summary.errors.write,
    timeout = summary.errors.timeout,
    status = summary.errors.status,
    asked = add_up("asked"),
    answered = add_up("answered"),
    wrong = add_up("wrong"),
    refused = add_up("refused"),
  }
  local parts = {'"example": ' .. quote(find_example())}
  for name, value in pairs(fields) do
    table.insert(parts, string.format('"%s": %.9g', name, value))
  end
  print("{" .. table.concat(parts, ", ") .. "}")
end
