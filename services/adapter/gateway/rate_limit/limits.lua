-- Grants permits for calls to 1688 to all replicas: adaptive_rate.py does the same for one process.
--
-- KEYS  the scopes: the app and the operation; for rate_limited only the scope that was limited
-- ARGV  1 the action: acquire, release, or rate_limited
--       2 now in seconds; 0 uses Redis's own clock, which all replicas share
--       3 acquire: the longest wait for the permit, in seconds
--       4 burst_s  5 decrease  6 increase  7 min_rate  8 cooldown_s  9 reset_after_s
--       10... the ceiling of each scope; 0 is none
-- Returns for acquire: the seconds to wait, then the rate of each scope, 0 without a limit;
-- or only -1, if there is no permit within the longest wait. All numbers are texts.
--
-- Redis deletes a scope that was not used for so long that its last rejection has no effect any more.

local action, now, max_wait = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local burst, decrease, increase = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local min_rate, cooldown, reset_after = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function load(index)
  local stored = redis.call('HMGET', KEYS[index],
    'next_at', 'lowered', 'limited_at', 'second_started_at', 'count', 'previous_count')
  local ceiling = tonumber(ARGV[9 + index])
  local scope = {
    key = KEYS[index],
    next_at = tonumber(stored[1] or 0),
    lowered = tonumber(stored[2] or 0),
    limited_at = tonumber(stored[3] or 0),
    second_started_at = tonumber(stored[4] or 0),
    count = tonumber(stored[5] or 0),
    previous_count = tonumber(stored[6] or 0),
    ceiling = ceiling > 0 and ceiling or math.huge,
  }
  scope.min_rate = math.min(min_rate, scope.ceiling)
  scope.rate = scope.ceiling
  if scope.lowered > 0 and now - scope.limited_at <= reset_after then
    local recovered = math.max(scope.min_rate, scope.lowered * increase) * (now - scope.limited_at)
    scope.rate = math.min(scope.ceiling, scope.lowered + recovered)
  end
  return scope
end

local function format(number)
  return string.format('%.6f', number)
end

local function save(scope)
  redis.call('HSET', scope.key, 'next_at', format(scope.next_at), 'lowered', format(scope.lowered),
    'limited_at', format(scope.limited_at), 'second_started_at', format(scope.second_started_at),
    'count', scope.count, 'previous_count', scope.previous_count)
  local wait = math.max(0, scope.next_at - now)
  redis.call('PEXPIRE', scope.key, math.ceil((reset_after + wait) * 1000))
end

local function acquire(scope)
  scope.next_at = math.max(scope.next_at, now) + 1 / scope.rate
  if now - scope.second_started_at >= 1 then
    scope.previous_count = now - scope.second_started_at < 2 and scope.count or 0
    scope.second_started_at, scope.count = now, 0
  end
  scope.count = scope.count + 1
end

local function release(scope)
  scope.next_at = scope.next_at - 1 / scope.rate
  scope.count = scope.count - 1
end

local function rate_limited(scope)
  scope.count = scope.count - 1
  if scope.lowered > 0 and now - scope.limited_at < cooldown then
    return
  end
  local reached = math.min(scope.rate, math.max(scope.count, scope.previous_count))
  scope.lowered = math.max(scope.min_rate, reached * decrease)
  scope.limited_at = now
end

local scopes, wait = {}, 0
for index = 1, #KEYS do
  scopes[index] = load(index)
  wait = math.max(wait, scopes[index].next_at - burst - now)
end
if action == 'acquire' and wait > 0 and wait > max_wait then
  return { '-1' }
end

local change = ({ acquire = acquire, release = release, rate_limited = rate_limited })[action]
local result = { format(wait) }
for index, scope in ipairs(scopes) do
  change(scope)
  save(scope)
  result[index + 1] = scope.rate == math.huge and '0' or format(scope.rate)
end
return result
