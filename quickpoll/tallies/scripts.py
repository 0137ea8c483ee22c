"""The Lua scripts that change a poll's counts: each one atomic step of the protocol.

The state of a poll is one JSON string::

    {"run": "<run id>", "v": "<version>", "p": "<public version>", "r": revision,
     "d": 0 or 1, "q": until, "n": ballots, "l": likes, "o": {"<option id>": votes, …}}

``run`` is the life of the Redis process that the state was counted in: a state that a restart or
a failover has brought along is from another life and counts as missing, since it may lack the
last increments. ``d`` is 1 where something is known to be missing from the counts, 2 while a
recount that began after that is under way. ``q`` is the time (ms since 1970) until which writes
may still land that nobody has marked, 0 once a recount has come after it. Counts are trusted
where ``run`` is the present one, and ``d`` and ``q`` are 0.
``v`` and ``p`` are microseconds since 1970, as text because Lua's JSON keeps 14 digits only.
``docs/consistency.md`` has the argument. Redis' clock is the only one that deadlines know.
"""

from quickpoll.foundation.redis import Script

_shared = """
local function now_us()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local function now_ms() return math.floor(now_us() / 1000) end
local function text(n) return string.format('%.0f', n) end
local function load(key)
  local raw = redis.call('GET', key)
  return raw and cjson.decode(raw) or nil
end
local function save(key, s) redis.call('SET', key, cjson.encode(s)) end
local function trusted(s, run) return s and s.run == run and s.d == 0 and s.q == 0 end
local function doubt(s, ms) s.q = math.max(s.q, now_ms() + tonumber(ms)) end
local function after(s, floor)
  local v = math.max(now_us(), (floor or 0) + 1)
  if s then v = math.max(v, tonumber(s.v) + 1) end
  return v
end
local function ring(channel, event, id, v, change, public)
  local more = change and (',"change":"' .. change .. '"') or ''
  if public then more = more .. ',"public":' .. public end
  redis.call('PUBLISH', channel, '{"event":"' .. event .. '","pollId":"' .. id ..
    '","version":' .. text(v) .. more .. '}')
end
"""


def _script(body: str) -> Script:
    return Script(_shared + body)


begin = _script("""
-- KEYS: state, writes, gate of each poll; ARGV: token, milliseconds to live, run id.
-- Marks a batch as in flight. Answers for each poll: -1 closed for a recount, 0 nothing known
-- of its revision, else the revision.
local deadline = now_ms() + tonumber(ARGV[2])
local out = {}
for i = 1, #KEYS, 3 do
  if redis.call('EXISTS', KEYS[i + 2]) == 1 then
    redis.call('HDEL', KEYS[i + 1], ARGV[1])  -- of a first try that went unanswered
    out[#out + 1] = -1
  else
    redis.call('HSET', KEYS[i + 1], ARGV[1], deadline)
    local s = load(KEYS[i])
    out[#out + 1] = trusted(s, ARGV[3]) and s.r or 0
  end
end
return out
""")

apply = _script("""
-- KEYS: for each poll its state, its writes, then the plain counters of this change.
-- ARGV: token, run id, channel, milliseconds that a write may take, JSON list of changes
--   {id, options: [[option id, difference], …], voters, likes, took, unsure}.
-- Ends the batch's mark and adds the differences. Where the mark is gone, whether a recount has
-- seen the batch is unknown: the state is incomplete. Where it is not sure what was written
-- (unsure), a recount must come after all that may still land. Answers 1 counted, 0 recount.
local token, run, channel, late = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local out, k = {}, 1
for _, c in ipairs(cjson.decode(ARGV[5])) do
  local state, writes, plain = KEYS[k], KEYS[k + 1], k + 2
  k = k + 2 + #c.options + (c.likes ~= 0 and 1 or 0)
  local marked = redis.call('HDEL', writes, token) == 1
  local changes_votes, changes_likes = c.voters ~= 0 or #c.options > 0, c.likes ~= 0
  local counted = 1
  if changes_votes or changes_likes or c.unsure == 1 then
    local s = load(state)
    local v = after(s)
    if s and s.run == run and marked then
      if changes_votes or changes_likes then s.v = text(v) end
      s.n, s.l = s.n + c.voters, s.l + c.likes
      if changes_likes or c.took == 1 then s.p = s.v end
      for i, o in ipairs(c.options) do
        s.o[o[1]] = (s.o[o[1]] or 0) + o[2]
        redis.call('SET', KEYS[plain + i - 1], s.o[o[1]])
      end
      if changes_likes then redis.call('SET', KEYS[plain + #c.options], s.l) end
    else
      counted = 0
      if s then s.d = 1 end
    end
    if s then
      if c.unsure == 1 then doubt(s, late) end
      save(state, s)
    end
    if changes_votes then ring(channel, 'vote-update', c.id, v) end
    if changes_likes then ring(channel, 'like-update', c.id, v) end
  end
  out[#out + 1] = counted
end
return out
""")

give_up = _script("""
-- KEYS: state, writes of each poll; ARGV: milliseconds for which writes may still land (0: none),
--   JSON list of the tokens of each poll.
-- Counts that lack something: readers turn to MongoDB. Ends the marks of these batches.
for i, tokens in ipairs(cjson.decode(ARGV[2])) do
  for _, token in ipairs(tokens) do redis.call('HDEL', KEYS[2 * i], token) end
  local s = load(KEYS[2 * i - 1])
  if s then
    s.d = 1
    if ARGV[1] ~= '0' then doubt(s, ARGV[1]) end
    save(KEYS[2 * i - 1], s)
  end
end
return #KEYS / 2
""")

close_gate = _script("""
-- KEYS: gate, writes, state; ARGV: token, milliseconds to live, milliseconds that a write may take.
-- Holds writers off. Answers -1 when another recount holds the gate, else the number of batches
-- still in flight. Marks past their deadline are dropped: their writers have died, or sleep and
-- may still write, so the counts are in doubt for a while.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return -1 end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
local now, live, dropped = now_ms(), 0, false
local marks = redis.call('HGETALL', KEYS[2])
for i = 1, #marks, 2 do
  if tonumber(marks[i + 1]) < now then
    redis.call('HDEL', KEYS[2], marks[i])
    dropped = true
  else
    live = live + 1
  end
end
local s = load(KEYS[3])
if s and (dropped or s.d == 1) then
  s.d = 2
  if dropped then doubt(s, ARGV[3]) end
  save(KEYS[3], s)
end
return live
""")

hold_gate = _script("""
-- KEYS: gate; ARGV: token, milliseconds to live. Keeps a closed gate closed; one that was lost
-- stays lost: writers have passed, and a count from before must not be put in place.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

open_gate = _script("""
-- KEYS: state, gate, plain counters (options in order, then likes).
-- ARGV: token, run id, channel, JSON {id, options: [[option id, votes], …], voters, likes, r,
--   hung}, version that must be exceeded, milliseconds since the gate was closed, milliseconds
--   that a write may take.
-- Puts a fresh count in place and lets writers in again. Answers -1 when it must be counted again
-- at once, since the gate was lost or something turned out to be missing meanwhile, else the
-- number of counts that were wrong though they had been trusted.
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return -1 end
redis.call('DEL', KEYS[2])
local fresh, old = cjson.decode(ARGV[4]), load(KEYS[1])
local believed = trusted(old, ARGV[2])
local wrong = 0
local s = {run = ARGV[2], r = fresh.r, d = 0, q = 0, n = fresh.voters, l = fresh.likes, o = {}}
if not old or old.run ~= ARGV[2] then
  doubt(s, ARGV[7])  -- the marks went the way of the state: count once more when they had ended
elseif old.q > now_ms() - tonumber(ARGV[6]) then
  s.q = old.q
end
if fresh.hung == 1 then doubt(s, ARGV[7]) end
if old and old.r > s.r then s.r = old.r end
if old and old.run == ARGV[2] and old.d == 1 then s.d = 1 end
for i, o in ipairs(fresh.options) do
  s.o[o[1]] = o[2]
  if believed and old.o[o[1]] ~= o[2] then wrong = wrong + 1 end
  redis.call('SET', KEYS[2 + i], o[2])
end
redis.call('SET', KEYS[3 + #fresh.options], fresh.likes)
if believed and old.n ~= s.n then wrong = wrong + 1 end
if believed and old.l ~= s.l then wrong = wrong + 1 end
if believed and wrong == 0 then
  s.v, s.p = old.v, old.p
  save(KEYS[1], s)
else
  local v = after(old, tonumber(ARGV[5]))
  s.v, s.p = text(v), text(v)
  save(KEYS[1], s)
  ring(ARGV[3], 'vote-update', fresh.id, v)
  ring(ARGV[3], 'like-update', fresh.id, v)
end
return s.d == 1 and -1 or wrong
""")

leave_gate = _script("""
-- KEYS: gate; ARGV: token. A recount that came to nothing lets the writers in again.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

create = _script("""
-- KEYS: state, plain counters (options, then likes).
-- ARGV: run id, channel, JSON {id, options: [option id, …], r}. A new poll starts at nothing.
local c = cjson.decode(ARGV[3])
local v = after(nil)
if redis.call('EXISTS', KEYS[1]) == 0 then
  local s = {run = ARGV[1], v = text(v), p = text(v), r = c.r, d = 0, q = 0, n = 0, l = 0, o = {}}
  for _, id in ipairs(c.options) do s.o[id] = 0 end
  for i = 2, #KEYS do redis.call('SET', KEYS[i], 0, 'NX') end
  save(KEYS[1], s)
end
ring(ARGV[2], 'poll-update', c.id, v, 'created')
return text(v)
""")

touch = _script("""
-- KEYS: state; ARGV: run id, channel, poll id, change, revision, version to exceed.
-- Something about the poll other than its counts has changed: a new version and revision.
local s = load(KEYS[1])
local v = after(s, tonumber(ARGV[6]))
if s then
  s.v, s.p, s.r = text(v), text(v), math.max(s.r, tonumber(ARGV[5]))
  save(KEYS[1], s)
end
ring(ARGV[2], 'poll-update', ARGV[3], v, ARGV[4])
return text(v)
""")

remove = _script("""
-- KEYS: state, then all other keys of the poll.
-- ARGV: channel, poll id, 1 to announce it, whether it was public (true or false).
local v = after(load(KEYS[1]))
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
if ARGV[3] == '1' then ring(ARGV[1], 'poll-update', ARGV[2], v, 'deleted', ARGV[4]) end
return text(v)
""")

inspect = _script("""
-- KEYS: state, writes, gate; ARGV: run id.
-- What the reconciler needs to know: {kind, version, milliseconds until it is worth another look,
-- deadline of the oldest mark less now}. Kind is one of 'lost' (to be recounted now: nothing
-- that counts, something missing, or a time of doubt that is over), 'busy', 'quiet'.
local s, now = load(KEYS[1]), now_ms()
local oldest
for _, deadline in ipairs(redis.call('HVALS', KEYS[2])) do
  local left = tonumber(deadline) - now
  oldest = math.min(oldest or left, left)
end
local version, wait = s and s.v or '0', math.max(oldest or 0, 0)
if not s or s.run ~= ARGV[1] or s.d ~= 0 or (s.q > 0 and s.q < now) or (oldest or 0) < 0 then
  return {'lost', version, 0, oldest}
end
if s.q > 0 then return {'busy', version, s.q - now, oldest} end
if oldest or redis.call('EXISTS', KEYS[3]) == 1 then return {'busy', version, wait, oldest} end
return {'quiet', version, 0}
""")

look_at = _script("""
-- KEYS: due; ARGV: milliseconds from now, condition of ZADD ('' for none), poll ids.
-- When the reconciler looks at these polls.
local at, condition = now_ms() + tonumber(ARGV[1]), ARGV[2]
for i = 3, #ARGV do
  if condition == '' then redis.call('ZADD', KEYS[1], at, ARGV[i])
  else redis.call('ZADD', KEYS[1], condition, at, ARGV[i]) end
end
return 1
""")

due_now = _script("""
-- KEYS: due; ARGV: most. The polls that are due.
return redis.call('ZRANGE', KEYS[1], '-inf', now_ms(), 'BYSCORE', 'LIMIT', 0, ARGV[1])
""")

renew_lease = _script("""
-- KEYS: lease; ARGV: instance, milliseconds to live. Answers 1 where the instance holds it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

end_lease = _script("""
-- KEYS: lease; ARGV: instance. Another instance may take over at once.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")
