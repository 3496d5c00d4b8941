-- Raises a watermark. KEYS: the watermark's key. ARGV: milliseconds since the epoch.
-- Long.MAX is the end of a drained job's input and no time: it is not taken, and one that stands there gives way.
local most = '9223372036854775807'
local before = redis.call('GET', KEYS[1])
if ARGV[1] == most then return end
if not before or before == most or tonumber(before) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1]) end
