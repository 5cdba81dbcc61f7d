-- Begins a new epoch, because the entries that a reader has seen are gone although the replication id is the same.
-- Removes no entry.
--
-- ARGV: the reader's epoch, the new epoch, the highest number that the reader has seen, and the number and the token
-- of each entry that it knows, the newest first.
local head, problem = read_head()
if problem then
  return problem
end
if not head or head.epoch ~= ARGV[1] then
  return 'other epoch'
end
-- The newest entry that is the same as before. So are those before it.
local shared
for index = 4, #ARGV, 2 do
  local id = ARGV[index] .. '-0'
  local seen = tonumber(ARGV[index]) <= head.newest and redis.call('XRANGE', KEYS[1], id, id)[1]
  if seen and field(seen, 't') == ARGV[index + 1] then
    shared = ARGV[index]
    break
  end
end
local forks = ''
if shared and (shared ~= ARGV[4] or head.newest < tonumber(ARGV[3])) then
  forks = head.forks .. (head.forks ~= '' and ',' or '') .. head.epoch .. ':' .. shared
end
redis.call('HSET', KEYS[2], 'e', ARGV[2], 'n', text(head.newest), 'r', head.replid, 'f', forks)
return 'renewed'
