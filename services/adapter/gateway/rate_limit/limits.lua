-- Turns at 1688 for all replicas: what rate.py does for one process, in one step of Redis.
--
-- KEYS  the scopes of a call: the app, the operation
-- ARGV  1 what is asked: take, give_back, or refused
--       2 now in seconds; 0 is Redis's own clock, which all replicas share
--       3 take: the seconds a turn may be away
--       4 burst_s  5 decrease  6 increase  7 least  8 settle_s  9 calm_s
--       10... the ceiling of each scope; 0 is none
-- Returns take: seconds to wait as text, or -1 and no turn; then the rate of each scope, 0 without a limit.
--
-- A scope forgets all when nothing was asked of it for longer than refusals matter.

local asked, now, left = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local burst, decrease, increase = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local least, settle, calm = tonumber(ARGV[7]), tonumber(ARGV[8]), tonumber(ARGV[9])
if now == 0 then
  local time = redis.call('TIME')
  now = tonumber(time[1]) + tonumber(time[2]) / 1e6
end

local function load(index)
  local told = redis.call('HMGET', KEYS[index], 'next', 'lowered', 'refused_at', 'second', 'count', 'before')
  local ceiling = tonumber(ARGV[9 + index])
  local scope = {
    key = KEYS[index],
    next = tonumber(told[1] or 0),
    lowered = tonumber(told[2] or 0),
    refused_at = tonumber(told[3] or 0),
    second = tonumber(told[4] or 0),
    count = tonumber(told[5] or 0),
    before = tonumber(told[6] or 0),
    ceiling = ceiling > 0 and ceiling or math.huge,
  }
  scope.least = math.min(least, scope.ceiling)
  scope.rate = scope.ceiling
  if scope.lowered > 0 and now - scope.refused_at <= calm then
    local risen = math.max(scope.least, scope.lowered * increase) * (now - scope.refused_at)
    scope.rate = math.min(scope.ceiling, scope.lowered + risen)
  end
  return scope
end

local function precise(number)
  return string.format('%.6f', number)
end

local function save(scope)
  redis.call('HSET', scope.key, 'next', precise(scope.next), 'lowered', precise(scope.lowered),
    'refused_at', precise(scope.refused_at), 'second', precise(scope.second),
    'count', scope.count, 'before', scope.before)
  local rest = math.max(0, scope.next - now)
  redis.call('PEXPIRE', scope.key, math.ceil((calm + rest) * 1000))
end

local function take(scope)
  scope.next = math.max(scope.next, now) + 1 / scope.rate
  if now - scope.second >= 1 then
    scope.before = now - scope.second < 2 and scope.count or 0
    scope.second, scope.count = now, 0
  end
  scope.count = scope.count + 1
end

local function give_back(scope)
  scope.next = scope.next - 1 / scope.rate
  scope.count = scope.count - 1
end

local function refused(scope)
  scope.count = scope.count - 1
  if scope.lowered > 0 and now - scope.refused_at < settle then
    return
  end
  local reached = math.min(scope.rate, math.max(scope.count, scope.before))
  scope.lowered = math.max(scope.least, reached * decrease)
  scope.refused_at = now
end

local scopes, wait = {}, 0
for index = 1, #KEYS do
  scopes[index] = load(index)
  wait = math.max(wait, scopes[index].next - burst - now)
end
if asked == 'take' and wait > 0 and wait > left then
  return { '-1' }
end

local change = ({ take = take, give_back = give_back, refused = refused })[asked]
local answer = { precise(wait) }
for index, scope in ipairs(scopes) do
  change(scope)
  save(scope)
  answer[index + 1] = scope.rate == math.huge and '0' or precise(scope.rate)
end
return answer
