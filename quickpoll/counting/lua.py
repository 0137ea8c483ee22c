"""The Lua that changes a poll's counts: each script one atomic step of the protocol.

Whatever a key holds that this form of the protocol has not written counts as missing, and the poll
is recounted. :mod:`.scripts` has what each takes and answers, ``docs/consistency.md`` the argument.

Marks are texts ``[s]<deadline in ms> <kind> <ids>``: ``s`` says that a recount went on without
waiting for the batch (*stale*), kind is ``v`` ballots, ``l`` likes, ``c`` a change of the poll, and
ids are the users whose documents the batch may write. A mark is known by its token and its
deadline: a script that was given up may come late and make it anew, and then nobody adds to it.
"""

from quickpoll.foundation.stores.redis import Script

SHARED = """
local STEP = 64
local function now_us()
  local t = redis.call('TIME')
  return tonumber(t[1]) * 1000000 + tonumber(t[2])
end
local function now_ms() return math.floor(now_us() / 1000) end
local function text(n) return string.format('%.0f', n) end
local function readable(s)
  return type(s) == 'table' and s.form == 2 and type(s.options) == 'table'
    and type(s.run) == 'string' and tonumber(s.version) and tonumber(s.publicVersion)
    and type(s.revision) == 'number' and type(s.changing) == 'number'
    and type(s.missing) == 'number' and type(s.unsettledUntil) == 'number'
    and type(s.rebuiltAt) == 'number' and type(s.voters) == 'number' and type(s.likes) == 'number'
end
local function load(key)
  local raw = redis.pcall('GET', key)
  if type(raw) ~= 'string' then return nil end
  local ok, s = pcall(cjson.decode, raw)
  if ok and readable(s) then return s end
  return nil
end
local function save(key, s) redis.call('SET', key, cjson.encode(s)) end
local function trusted(s, run) return s and s.run == run and s.missing == 0 end
local function unsettle(s, ms)
  s.unsettledUntil = math.max(s.unsettledUntil, now_ms() + tonumber(ms))
end
local function next_version(s, floor)
  local v = math.floor(math.max(now_us(), floor or 0) / STEP) * STEP
  if floor and v <= floor then v = v + STEP end
  if s then v = math.max(v, tonumber(s.version) + STEP) end
  return v
end
-- Nobody hears a state of another life: then one of this life says it, to whoever counts meanwhile.
local function set_missing(key, s, run, v, ms)
  if s and s.run == run then
    s.missing = 1
    save(key, s)
    return
  end
  s = {form = 2, run = run, version = text(v), publicVersion = text(v), revision = 0,
    changing = 0, missing = 1, unsettledUntil = 0, rebuiltAt = now_ms(), voters = 0, likes = 0,
    options = {}}
  unsettle(s, ms)
  save(key, s)
end
local function marks(key)
  local found = redis.pcall('HGETALL', key)
  if found.err then
    redis.call('DEL', key)
    return {}
  end
  return found
end
local function set_mark(key, token, value)
  local set = redis.pcall('HSET', key, token, value)
  if type(set) == 'table' and set.err then
    redis.call('DEL', key)
    redis.call('HSET', key, token, value)
  end
end
local function take_mark(key, token)
  local value = redis.pcall('HGET', key, token)
  if type(value) ~= 'string' then return nil end
  redis.call('HDEL', key, token)
  return value
end
local function deadline(mark) return tonumber(string.match(mark, '^s?(%d+) ')) or 0 end
local function is_stale(mark) return string.sub(mark, 1, 1) == 's' end
local function is_good(mark, until_ms)
  return mark and not is_stale(mark) and deadline(mark) == tonumber(until_ms)
end
local function is_change(mark) return string.match(mark, '^s?%d+ c') ~= nil end
local function make_stale(key)
  local all = marks(key)
  for i = 1, #all, 2 do
    if not is_stale(all[i + 1]) then redis.call('HSET', key, all[i], 's' .. all[i + 1]) end
  end
end
local function shares_users(key, mark)
  local all = marks(key)
  for id in string.gmatch(string.match(mark, '^s?%d+ %a (.*)$') or '', '%x+') do
    for i = 2, #all, 2 do
      if string.find(all[i], id, 1, true) then return true end
    end
  end
  return false
end
local function doubted(key)
  if redis.call('HLEN', key) < 2 then return false end  -- the own mark alone
  local all = marks(key)
  for i = 2, #all, 2 do if is_stale(all[i]) then return true end end
  return false
end
local function changing(key)
  local all = marks(key)
  for i = 1, #all, 2 do if is_change(all[i + 1]) then return 1 end end
  return 0
end
-- Answers whether others were there.
local function set_options(s, plain, ids)
  local kept, changed = {}, false
  for _, id in ipairs(ids) do
    kept[id] = s.options[id] or 0
    if not s.options[id] then
      redis.call('SET', plain .. id, 0)
      changed = true
    end
  end
  for id, _ in pairs(s.options) do
    if not kept[id] then
      redis.call('DEL', plain .. id)
      changed = true
    end
  end
  s.options = kept
  return changed
end
local function publish(channel, event, id, v, change, public)
  local more = change and change ~= '' and (',"change":"' .. change .. '"') or ''
  if public then more = more .. ',"public":' .. public end
  redis.call('PUBLISH', channel, '{"event":"' .. event .. '","pollId":"' .. id ..
    '","version":' .. text(v) .. more .. ',"form":2}')
end
"""


def counting_script(body: str) -> Script:
    """A script that begins with what all of them use."""
    return Script(SHARED + body)


MARK = counting_script("""
-- KEYS: state, writes, barrier of each poll.
-- ARGV: token, milliseconds to live, run id, 1 to pass barriers, then the mark of each poll.
-- Answers the deadline, then for each poll: -1 held off, 0 its revision is not known, or a batch is
-- in flight whose writes may stand and not be counted, else the revision.
local until_ms = text(now_ms() + tonumber(ARGV[2]))
local out = {tonumber(until_ms)}
for i = 1, #KEYS, 3 do
  local mark = until_ms .. ' ' .. ARGV[5 + (i - 1) / 3]
  local recounting = redis.call('EXISTS', KEYS[i + 2]) == 1
  -- The count that is under way may see this batch or not: its apply must not add to it.
  if recounting then mark = 's' .. mark end
  if recounting and ARGV[4] == '0' then
    take_mark(KEYS[i + 1], ARGV[1])  -- of a first try that went unanswered
    out[#out + 1] = -1
  else
    set_mark(KEYS[i + 1], ARGV[1], mark)
    local s = load(KEYS[i])
    if s and is_change(mark) and s.changing == 0 then
      -- From now on nobody goes by a poll in memory: it is about to become another one.
      s.changing = 1
      save(KEYS[i], s)
    end
    local known = trusted(s, ARGV[3]) and s.changing == 0 and not doubted(KEYS[i + 1])
    out[#out + 1] = known and s.revision or 0
  end
end
return out
""")

APPLY = counting_script("""
-- KEYS: for each poll its state, its writes, then the plain counters of this change.
-- ARGV: token, run id, channel, milliseconds that a mark lives, JSON list of
--   {id, options: [[option id, difference], …], voters, likes, retracted, found, unsure},
--   deadline of the mark.
-- Takes the mark off and adds the differences, in one step. Where the mark is gone or stale, or
-- was made anew (it has another deadline), nobody knows whether a recount has seen the batch:
-- nothing is added, something is missing.
-- Where it is not sure what was written, the mark stays: whoever finds it past its deadline
-- fences those writes. Answers for each poll 1 counted, 0 to be recounted.
local token, run, channel = ARGV[1], ARGV[2], ARGV[3]
local out, k = {}, 1
for _, c in ipairs(cjson.decode(ARGV[5])) do
  local state, writes, plain = KEYS[k], KEYS[k + 1], k + 2
  k = k + 2 + #c.options + (c.likes ~= 0 and 1 or 0)
  local mark, s = take_mark(writes, token), load(state)
  -- What it has found stored may be of a batch that is in flight, and not counted yet.
  local lacks = c.found == 1
    and (not mark or shares_users(writes, mark) or (s and s.unsettledUntil > 0))
  if mark and c.unsure == 1 then
    set_mark(writes, token, is_stale(mark) and mark or 's' .. mark)
  end
  local counts = is_good(mark, ARGV[6])
  local changes_votes, changes_likes = c.voters ~= 0 or #c.options > 0, c.likes ~= 0
  local counted = 1
  if changes_votes or changes_likes then
    local v = next_version(s)
    if s and s.run == run and counts and not lacks then
      s.version = text(v)
      s.voters, s.likes = s.voters + c.voters, s.likes + c.likes
      if changes_likes or c.retracted == 1 then s.publicVersion = s.version end
      for i, o in ipairs(c.options) do
        s.options[o[1]] = (s.options[o[1]] or 0) + o[2]
        redis.call('SET', KEYS[plain + i - 1], s.options[o[1]])
      end
      if changes_likes then redis.call('SET', KEYS[plain + #c.options], s.likes) end
      save(state, s)
    else
      counted = 0
      set_missing(state, s, run, v, ARGV[4])
    end
    if changes_votes then publish(channel, 'vote-update', c.id, v) end
    if changes_likes then publish(channel, 'like-update', c.id, v) end
  elseif lacks then
    counted = 0
    set_missing(state, s, run, next_version(s), ARGV[4])
  end
  out[#out + 1] = counted
end
return out
""")

GIVE_UP = counting_script("""
-- KEYS: states; ARGV: run id, milliseconds that a mark lives.
-- Counts that lack something: readers turn away until they are recounted.
for _, key in ipairs(KEYS) do
  local s = load(key)
  set_missing(key, s, ARGV[1], next_version(s), ARGV[2])
end
return #KEYS
""")

CREATE = counting_script("""
-- KEYS: state, writes, plain counters (options, then likes).
-- ARGV: token, run id, channel, poll id, revision, version that must be exceeded, deadline of the
--   mark, option ids.
-- A new poll starts at nothing, unless somebody has voted on it already: then it is recounted.
local mark = take_mark(KEYS[2], ARGV[1])
local v = next_version(nil, tonumber(ARGV[6]))
publish(ARGV[3], 'poll-update', ARGV[4], v, 'created')
v = v + STEP
if redis.call('EXISTS', KEYS[1]) == 0 and is_good(mark, ARGV[7]) then
  local s = {form = 2, run = ARGV[2], version = text(v), publicVersion = text(v),
    revision = tonumber(ARGV[5]), changing = changing(KEYS[2]), missing = 0, unsettledUntil = 0,
    rebuiltAt = 0, voters = 0, likes = 0, options = {}}
  for i = 8, #ARGV do s.options[ARGV[i]] = 0 end
  for i = 3, #KEYS do redis.call('SET', KEYS[i], 0) end
  save(KEYS[1], s)
  return 1
end
return 0
""")

ANNOUNCE = counting_script("""
-- KEYS: state, writes.
-- ARGV: token, run id, channel, poll id, change ('' for none), revision, version to exceed,
--   1 where it may have been announced already, how the names of plain counters of options begin,
--   ids of all options.
-- The poll itself has changed (or has not): takes the mark off and, unless everybody has heard of
-- that revision, gives it a version and says so. Options that are new begin at 0, those that are
-- gone go: nobody has voted, or they could not have been changed. Answers 0 where a recount must
-- follow.
local mark = take_mark(KEYS[2], ARGV[1])
local s = load(KEYS[1])
local revision, told = tonumber(ARGV[6]), false
if s then
  s.changing = changing(KEYS[2])
  if not mark then s.missing = 1 end
  told = ARGV[5] == '' or (ARGV[8] == '1' and s.run == ARGV[2] and s.revision >= revision)
elseif ARGV[5] == '' then
  told = true
end
if not told then
  local v = next_version(s, tonumber(ARGV[7]))
  publish(ARGV[3], 'poll-update', ARGV[4], v, ARGV[5])
  if s then
    -- What the change reveals is newer than the word of it.
    s.version = text(v + STEP)
    s.publicVersion = s.version
    if revision >= s.revision and #ARGV > 9 then
      local ids = {}
      for i = 10, #ARGV do ids[i - 9] = ARGV[i] end
      local changed = set_options(s, ARGV[9], ids)
      -- A recount may have begun with the poll as it was: it must not put the old options back.
      if changed and mark and is_stale(mark) then s.missing = 1 end
    end
    s.revision = math.max(s.revision, revision)
  end
end
if s then save(KEYS[1], s) end
return s and s.missing == 0 and s.run == ARGV[2] and 1 or 0
""")
