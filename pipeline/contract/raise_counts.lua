-- Raises the counts of one window: see cache_schema.py. Run by the live job, by a recount and by the cache keeper.
-- KEYS: cells, categories, retention, the index of windows, complete, rebuild.
-- ARGV: the window's end in unix seconds, the longest retention, revision, then (field, category, impressions, clicks) per cell,
-- each cell once.
-- A value is the pair (revision, counts) and never falls: of two revisions the higher holds, within one the larger counts. The
-- category's sums change by the same difference. Windows that have gone are left alone, so that nobody who is late can bring
-- back a part of one.
-- The index knows every window that something was counted in. One that it knows and that isn't there went while Redis's clock was
-- wrong: written now, it would be a part that looks like the whole. So the marker is taken away, and the rebuild under way is void.
local ends, kept = tonumber(ARGV[1]), redis.call('HMGET', KEYS[3], 'seconds', 'kept_from')
local expires = ends + math.min(tonumber(kept[1] or ARGV[2]), tonumber(ARGV[2]))
local known = redis.call('ZSCORE', KEYS[4], ends)
local function note()
  redis.call('ZADD', KEYS[4], ends, ends)
  redis.call('ZREMRANGEBYRANK', KEYS[4], 0, -1001)
end
if ends <= tonumber(kept[2] or 0) or tonumber(redis.call('TIME')[1]) >= expires then
  if not known then note() end
  return 0
end
if known and redis.call('EXISTS', KEYS[1]) == 0 then
  redis.call('EXPIREAT', KEYS[5], 0)
  redis.call('EXPIREAT', KEYS[6], 0)
end
local revision = tonumber(ARGV[3])
local function counts(value)
  if not value then return 0, 0, 0 end
  local impressions, clicks, revised = string.match(value, '^(%d+) (%d+) ?(%d*)$')
  return tonumber(impressions), tonumber(clicks), tonumber(revised) or 0
end
local function text(impressions, clicks, revised)
  if revised == 0 then return string.format('%d %d', impressions, clicks) end
  return string.format('%d %d %d', impressions, clicks, revised)
end
local sums = {}
-- A command costs as much as what is done here for several cells, so they are read and written many at a time: as many as
-- `unpack` has room for.
local function raise(first, last)
  local fields, raised = {}, {}
  for i = first, last, 4 do fields[#fields + 1] = ARGV[i] end
  local values = redis.call('HMGET', KEYS[1], unpack(fields))
  for i = first, last, 4 do
    local before, beforeClicks, revised = counts(values[(i - first) / 4 + 1])
    local after, afterClicks = tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3])
    if revision == revised then
      after, afterClicks = math.max(before, after), math.max(beforeClicks, afterClicks)
    elseif revision < revised then
      after, afterClicks = before, beforeClicks
    end
    if after ~= before or afterClicks ~= beforeClicks or revision > revised then
      raised[#raised + 1] = ARGV[i]
      raised[#raised + 1] = text(after, afterClicks, math.max(revision, revised))
      local sum = sums[ARGV[i + 1]]
      if not sum then sum = {0, 0}; sums[ARGV[i + 1]] = sum end
      sum[1], sum[2] = sum[1] + after - before, sum[2] + afterClicks - beforeClicks
    end
  end
  if #raised > 0 then redis.call('HSET', KEYS[1], unpack(raised)) end
end
for first = 4, #ARGV, 4000 do raise(first, math.min(first + 3999, #ARGV)) end
for category, sum in pairs(sums) do
  local before, beforeClicks = counts(redis.call('HGET', KEYS[2], category))
  redis.call('HSET', KEYS[2], category, text(before + sum[1], beforeClicks + sum[2], 0))
end
if not known and redis.call('EXISTS', KEYS[1]) == 1 then note() end
redis.call('EXPIREAT', KEYS[1], expires)
redis.call('EXPIREAT', KEYS[2], expires)
return 1
