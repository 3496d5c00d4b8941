-- Sets how long windows are kept, and with it the expiry of those that are there: see cache_schema.py. Run by the cache keeper.
-- KEYS: retention, then the hashes of every window.
-- ARGV: seconds, then the end of each hash's window in unix seconds.
-- What has gone stays gone, even where a longer retention would have kept it: kept_from never falls.
-- At maxmemory Redis refuses HSET, unless a script has written before it: so it comes after EXPIREAT, which is never refused.
local now, seconds = tonumber(redis.call('TIME')[1]), tonumber(ARGV[1])
local before = redis.call('HMGET', KEYS[1], 'seconds', 'kept_from')
local kept_from = math.max(tonumber(before[2] or 0), now - math.min(tonumber(before[1] or seconds), seconds))
for i = 2, #KEYS do
  local ends = tonumber(ARGV[i])
  redis.call('EXPIREAT', KEYS[i], ends > kept_from and ends + seconds or 0)
end
redis.call('HSET', KEYS[1], 'seconds', seconds, 'kept_from', kept_from)
return kept_from
