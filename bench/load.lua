-- One request after the other from a list of tokens and a list of paths.
--
--   wrk -s load.lua URL -- TOKENS PATHS METHOD SECONDS RATE CONNECTIONS ONCE
--
-- RATE 0: each connection sends as soon as it has its answer. RATE > 0: requests begin at the
-- times of a Poisson process of that rate, each on the next connection that is free; those that
-- had to wait for one are counted as late. ONCE 1: no token is used twice; the run ends with them.
-- After SECONDS no connection begins another request; when the last has its answer the script says
-- DRAINED, and whoever started it interrupts wrk. So every request sent is one that was answered.

local ffi = require("ffi")
ffi.cdef [[
  typedef struct { long seconds; long nanoseconds; } clock_value;
  int clock_gettime(int clock, clock_value *value);
]]
local value = ffi.new("clock_value")

local function now()
  ffi.C.clock_gettime(1, value)
  return tonumber(value.seconds) + tonumber(value.nanoseconds) / 1e9
end

local function lines(file)
  local found = {}
  for line in io.lines(file) do found[#found + 1] = line end
  return found
end

local never = 1000000

function setup(thread)
  the_thread = thread
end

function init(arguments)
  tokens = lines(arguments[1])
  paths = lines(arguments[2])
  local method = arguments[3]
  seconds = tonumber(arguments[4])
  rate = tonumber(arguments[5])
  connections = tonumber(arguments[6])
  once = arguments[7] == "1"
  tail = " HTTP/1.1\r\nHost: " .. wrk.host .. "\r\nAuthorization: Bearer "
  ending = "\r\n" .. (method == "POST" and "Content-Length: 0\r\n" or "") .. "\r\n"
  head = method .. " "
  sent, idle, late, latest = -1, 0, 0, 0
  began, ended, slot = 0, 0, 0
  math.randomseed(now() * 1000)
end

-- wrk calls this once before the run, to see whether it works; that one is not sent.
function request()
  sent = sent + 1
  local number = sent > 0 and sent - 1 or 0
  local token = tokens[number % #tokens + 1]
  local path = paths[number % #paths + 1]
  return head .. path .. tail .. token .. ending
end

local function at_an_end(moment)
  return moment - began >= seconds or (once and reserved >= #tokens)
end

local function wait_for_slot(moment)
  slot = slot - math.log(1 - math.random()) / rate
  if slot < moment then
    late = late + 1
    latest = math.max(latest, moment - slot)
    return 0
  end
  return math.floor((slot - moment) * 1000 + math.random())
end

function delay()
  local moment = now()
  if began == 0 then
    began, slot, reserved = moment, moment, 0
  end
  if at_an_end(moment) then
    idle = idle + 1
    if idle == connections then
      ended = moment
      io.stdout:write("DRAINED\n")
      io.stdout:flush()
      wrk.thread:stop()
    end
    return never
  end
  reserved = reserved + 1
  if rate > 0 then return wait_for_slot(moment) end
  return 0
end

function done(summary, latency, requests)
  local ended = the_thread:get("ended")
  local drained = ended > 0
  local span = (drained and ended or now()) - the_thread:get("began")
  print(string.format(
    'RESULT {"requests": %d, "sent": %d, "drained": %s, "seconds": %.4f, "bad_status": %d, ' ..
    '"socket_errors": %d, "timeouts": %d, "p50": %.1f, "p90": %.1f, "p99": %.1f, "max": %.1f, ' ..
    '"late": %d, "latest_ms": %.2f}',
    summary.requests, the_thread:get("sent"), tostring(drained), span, summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write, summary.errors.timeout,
    latency:percentile(50), latency:percentile(90), latency:percentile(99), latency.max,
    the_thread:get("late"), the_thread:get("latest") * 1000))
end
