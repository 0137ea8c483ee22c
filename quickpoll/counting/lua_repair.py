"""The Lua that finds out what is wrong with counts, and puts them right; see :mod:`.lua`."""

from quickpoll.counting.lua import counting_script

CLOSE_BARRIER = counting_script("""
-- KEYS: barrier, writes, state; ARGV: token, milliseconds to live, 1 to wait no longer.
-- Holds writers off. Answers {-1} where another recount does, else {batches in flight, the barrier,
-- token and mark of each that is past its deadline …}. Waiting no longer makes what is in flight
-- stale: the count that now begins may see it or not, so its apply must not add to it.
-- The barrier is the token and when it was closed: what a late copy of this closes anew is another
-- one. What is missing is taken over when it is closed, and never later: the count may have begun.
local barrier, own = redis.pcall('GET', KEYS[1]), ARGV[1] .. ' '
if type(barrier) ~= 'string' then
  barrier = own .. text(now_ms())
  redis.call('SET', KEYS[1], barrier, 'PX', ARGV[2])
  local s = load(KEYS[3])
  if s and s.missing == 1 then
    s.missing = 2
    save(KEYS[3], s)
  end
elseif string.sub(barrier, 1, #own) == own then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
else
  return {-1}
end
local now, all, out = now_ms(), marks(KEYS[2]), {0, barrier}
for i = 1, #all, 2 do
  if deadline(all[i + 1]) < now then
    out[#out + 1] = all[i]
    out[#out + 1] = all[i + 1]
  elseif not is_stale(all[i + 1]) then
    out[1] = out[1] + 1
  end
end
if ARGV[3] == '1' then make_stale(KEYS[2]) end
return out
""")

KEEP_BARRIER = counting_script("""
-- KEYS: barrier; ARGV: the barrier as it was closed, milliseconds to live. One that was lost stays
-- lost: writers have passed, and a count from before must not be put in place.
if redis.pcall('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

LEAVE_BARRIER = counting_script("""
-- KEYS: barrier; ARGV: token. A recount that came to nothing lets the writers in again.
local barrier, own = redis.pcall('GET', KEYS[1]), ARGV[1] .. ' '
if type(barrier) == 'string' and string.sub(barrier, 1, #own) == own then
  return redis.call('DEL', KEYS[1])
end
return 0
""")

OPEN_BARRIER = counting_script("""
-- KEYS: state, barrier, writes, plain counters (options in order, then likes).
-- ARGV: the barrier as it was closed, run id, channel, JSON {id, options: [[option id, votes], …],
--   voters, likes, revision, change}, version that must be exceeded, milliseconds that a mark
--   lives, JSON list of the tokens of fenced batches, public version that must not be undercut,
--   how the names of plain counters of options begin.
-- Puts a fresh count in place and lets writers in again. Answers -1 where it must be counted
-- again at once, since the barrier was lost or something was missed meanwhile, else the number
-- of counts that were wrong though they had been trusted.
if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return -1 end
redis.call('DEL', KEYS[2])
local fresh, old = cjson.decode(ARGV[4]), load(KEYS[1])
local of_this_run = old and old.run == ARGV[2]
-- What is in flight, or was when its marks were lost, may be counted now and was not before: that
-- is no fault of the counts.
local believed = trusted(old, ARGV[2]) and old.unsettledUntil == 0 and #marks(KEYS[3]) == 0
for _, token in ipairs(cjson.decode(ARGV[7])) do redis.pcall('HDEL', KEYS[3], token) end
local floor = tonumber(ARGV[5])
local s = {form = 2, run = ARGV[2], revision = fresh.revision, changing = changing(KEYS[3]),
  missing = 0, unsettledUntil = 0, rebuiltAt = 0, voters = fresh.voters, likes = fresh.likes,
  options = {}}
if not of_this_run then
  -- The marks went the way of the state: count once more when their batches must have ended.
  s.rebuiltAt = now_ms()
  unsettle(s, ARGV[6])
else
  s.rebuiltAt = old.rebuiltAt
  local closed_at = tonumber(string.match(ARGV[1], ' (%d+)$'))
  if old.unsettledUntil > closed_at then s.unsettledUntil = old.unsettledUntil end
  if old.missing == 1 then s.missing = 1 end
end
local known = old and old.revision > 0
local moved = not known or s.revision > old.revision
if old and old.revision > s.revision then s.revision = old.revision end
local wrong = 0
for i, o in ipairs(fresh.options) do
  s.options[o[1]] = o[2]
  if old and (old.options[o[1]] or 0) ~= o[2] then wrong = wrong + 1 end
  redis.call('SET', KEYS[3 + i], o[2])
end
if old and old.revision <= fresh.revision then
  for id, _ in pairs(old.options) do
    if not s.options[id] then redis.call('DEL', ARGV[9] .. id) end  -- the poll has it no more
  end
end
redis.call('SET', KEYS[4 + #fresh.options], fresh.likes)
if old and old.voters ~= s.voters then wrong = wrong + 1 end
if old and old.likes ~= s.likes then wrong = wrong + 1 end
local same = wrong == 0
if not believed then wrong = 0 end
if trusted(old, ARGV[2]) and same and not moved then
  s.version, s.publicVersion = old.version, old.publicVersion
  save(KEYS[1], s)
else
  local v = next_version(old, floor)
  if moved then
    publish(ARGV[3], 'poll-update', fresh.id, v, known and fresh.change or nil)
    v = v + STEP  -- what a change reveals is newer than the word of it
  end
  s.version, s.publicVersion = text(v), text(v)
  -- Whoever may not see the results does not hear of what is no news to them.
  if of_this_run and not moved and old.likes == s.likes and old.voters <= s.voters
    and tonumber(old.publicVersion) >= tonumber(ARGV[8]) then
    s.publicVersion = old.publicVersion
  end
  save(KEYS[1], s)
  publish(ARGV[3], 'vote-update', fresh.id, v)
  publish(ARGV[3], 'like-update', fresh.id, v)
end
return s.missing == 1 and -1 or wrong
""")

REMOVE = counting_script("""
-- KEYS: state, writes, barrier, then all other keys of the poll.
-- ARGV: channel, poll id, 1 to announce it (2: if it had counts), whether it was public (true,
--   false, '' not known), the barrier behind which it was found to be gone ('': it was deleted).
-- Answers 0 where that barrier was lost or something was missed meanwhile: it may be there now.
local s = load(KEYS[1])
if ARGV[5] ~= '' and (redis.pcall('GET', KEYS[3]) ~= ARGV[5] or (s and s.missing == 1)) then
  return 0
end
local v = next_version(s)
for _, key in ipairs(KEYS) do redis.call('DEL', key) end
if ARGV[3] == '1' or (ARGV[3] == '2' and s) then
  publish(ARGV[1], 'poll-update', ARGV[2], v, 'deleted', ARGV[4] ~= '' and ARGV[4] or nil)
end
return 1
""")

INSPECT = counting_script("""
-- KEYS: state, writes, barrier; ARGV: run id.
-- Answers {kind, version, milliseconds until it is worth another look, milliseconds since the
-- state was built from nothing (-1: never), deadline of the oldest mark less now}. Kind is 'lost'
-- (to be recounted now), 'busy' or 'quiet'.
local s, now, oldest = load(KEYS[1]), now_ms(), nil
local all = marks(KEYS[2])
for i = 2, #all, 2 do
  local left = deadline(all[i]) - now
  oldest = math.min(oldest or left, left)
end
local version, wait = s and s.version or '0', math.max(oldest or 0, 0)
local built = s and s.rebuiltAt > 0 and now - s.rebuiltAt or -1
if not trusted(s, ARGV[1]) or (s.unsettledUntil > 0 and s.unsettledUntil < now)
  or (oldest or 0) < 0 then
  return {'lost', version, 0, built, oldest}
end
if s.unsettledUntil > 0 then return {'busy', version, s.unsettledUntil - now, built, oldest} end
if oldest or redis.call('EXISTS', KEYS[3]) == 1 then
  return {'busy', version, wait, built, oldest}
end
return {'quiet', version, 0, built}
""")

IN_FLIGHT = counting_script("""
-- KEYS: state, writes; ARGV: run id, a user or '' for all. Answers {milliseconds for which batches
-- may be in flight that
-- have no mark (-1: nobody knows, there is no state; at least 1 until a recount has seen what they
-- wrote), token and milliseconds left of each mark …}.
local s, now, all = load(KEYS[1]), now_ms(), marks(KEYS[2])
local out = {-1}
if s and s.run == ARGV[1] then
  out[1] = s.unsettledUntil > 0 and math.max(s.unsettledUntil - now, 1) or 0
end
for i = 1, #all, 2 do
  if ARGV[2] == '' or string.find(all[i + 1], ARGV[2], 1, true) then
    out[#out + 1] = all[i]
    out[#out + 1] = deadline(all[i + 1]) - now
  end
end
return out
""")

LOOK_AT = counting_script("""
-- KEYS: due; ARGV: milliseconds from now, condition of ZADD, poll ids.
-- When the reconciler looks at these polls. With LT an entry that is due is changed by a
-- millisecond, so that whoever is about to remove it finds another one.
local now, condition = now_ms(), ARGV[2]
local at = now + tonumber(ARGV[1])
for i = 3, #ARGV do
  local added = redis.pcall('ZADD', KEYS[1], condition, at, ARGV[i])
  if type(added) == 'table' and added.err then
    redis.call('DEL', KEYS[1])
    redis.call('ZADD', KEYS[1], at, ARGV[i])
  elseif condition == 'LT' then
    local due = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]))
    if due <= now then redis.call('ZADD', KEYS[1], due + 1, ARGV[i]) end
  end
end
return 1
""")

DUE_NOW = counting_script("""
-- KEYS: due; ARGV: most. The polls that are due, each with the time of its entry.
local due = redis.pcall('ZRANGE', KEYS[1], '-inf', now_ms(), 'BYSCORE', 'LIMIT', 0, ARGV[1],
  'WITHSCORES')
return due.err and {} or due
""")

LOOKED_AT = counting_script("""
-- KEYS: due; ARGV: poll id, time of its entry as it was found, milliseconds until the next look (''
-- for none). The entry goes, or is put off, unless the poll was written to since.
local at = redis.pcall('ZSCORE', KEYS[1], ARGV[1])
if type(at) ~= 'string' or tonumber(at) ~= tonumber(ARGV[2]) then return 0 end
if ARGV[3] == '' then return redis.call('ZREM', KEYS[1], ARGV[1]) end
redis.call('ZADD', KEYS[1], now_ms() + tonumber(ARGV[3]), ARGV[1])
return 1
""")

RENEW_LEASE = counting_script("""
-- KEYS: lease; ARGV: instance, milliseconds to live. Answers 1 where the instance holds it.
local holder = redis.pcall('GET', KEYS[1])
if type(holder) == 'string' and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
""")

END_LEASE = counting_script("""
-- KEYS: lease; ARGV: instance. Another instance may take over at once.
if redis.pcall('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
""")

NAMES_USER = counting_script("""
-- KEYS: writes of some polls; ARGV: a user's id. Answers 1 where a mark names the user.
for _, key in ipairs(KEYS) do
  local all = marks(key)
  for i = 2, #all, 2 do
    if string.find(all[i], ARGV[1], 1, true) then return 1 end
  end
end
return 0
""")
