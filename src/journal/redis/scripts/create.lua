-- Creates the journal if there is none. ARGV: its epoch, which is random for each call.
-- Returns the epoch, the newest number and the former epochs.
local head, problem, replid = read_head()
if problem then
  return problem
end
if not head then
  -- What is left of a journal whose hash was evicted or removed.
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[2], 'e', ARGV[1], 'n', '0', 'r', replid, 'f', '')
  return { ARGV[1], '0', '' }
end
return { head.epoch, text(head.newest), head.forks }
