-- Removes old entries, but not the newest ones. ARGV: the epoch, how many entries are kept, how many are removed
-- at most. Returns whether more can be removed.
local head, problem = read_head()
if problem then
  return problem
end
if not head or head.epoch ~= ARGV[1] then
  return 0
end
local first, keep_from = first_number(head), head.newest - tonumber(ARGV[2]) + 1
if first >= keep_from then
  return 0
end
local step = math.min(keep_from, first + tonumber(ARGV[3]))
redis.call('XTRIM', KEYS[1], 'MINID', text(step) .. '-0')
return step < keep_from and 1 or 0
