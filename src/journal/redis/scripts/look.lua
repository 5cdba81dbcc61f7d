-- Reads entries, and writes nothing: a reader must also work while no replica is connected or the memory is full.
--
-- ARGV: the reader's epoch, the number of the first entry, how many, 'forward' or 'back', and how many bytes at most.
-- Returns the epoch, the newest number, the time, and: in another epoch, the former epochs; otherwise the number of
-- the oldest entry as far as it matters, the token of the entry before the first, whether more was requested than
-- is here, and three values for each entry.
local head, problem = read_head()
if problem then
  return problem
end
if not head then
  return {}
end
local time = redis.call('TIME')
local reply = { head.epoch, text(head.newest), time[1], time[2] }
if head.epoch ~= ARGV[1] then
  reply[5] = head.forks
  return reply
end
local from, limit, is_back, max_bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == 'back', tonumber(ARGV[5])
local before = from > 1 and redis.call('XRANGE', KEYS[1], text(from - 1) .. '-0', text(from - 1) .. '-0')[1]
-- If the entry before the first exists, none after it was swept.
reply[5] = text(before and not is_back and from - 1 or first_number(head))
reply[6] = before and field(before, 't') or ''
local count, bytes = 0, 0
local is_complete = true
-- Few at first, because values may be large.
local max_step = 1
while count < limit do
  local step = math.min(limit - count, max_step)
  max_step = math.min(2 * max_step, 32)
  local entries
  if is_back then
    entries = redis.call('XREVRANGE', KEYS[1], text(from) .. '-0', '-', 'COUNT', step)
  else
    entries = redis.call('XRANGE', KEYS[1], text(from), '+', 'COUNT', step)
  end
  for _, entry in ipairs(entries) do
    if bytes >= max_bytes then
      is_complete = false
      break
    end
    local number = number_of(entry)
    if number and number <= head.newest then
      local document = field(entry, 'd')
      reply[#reply + 1] = text(number)
      reply[#reply + 1] = document
      reply[#reply + 1] = field(entry, 't')
      bytes = bytes + (document and #document or 0)
    end
  end
  count = count + #entries
  if #entries < step then
    break
  end
  local last, part = entries[#entries][1]:match('^(%d+)-(%d+)$')
  if not is_back then
    from = tonumber(last) + 1
  elseif part == '0' then
    from = tonumber(last) - 1
  else
    -- Another program has added this one after the entry with the same number.
    from = tonumber(last)
  end
  if bytes >= max_bytes or from < 1 then
    is_complete = false
    break
  end
end
if count >= limit then
  is_complete = false
end
table.insert(reply, 7, is_complete and '1' or '')
return reply
