-- Appends entries, unless the same call has done so before. KEYS[3] remembers the calls of one writer.
--
-- ARGV: the writer's epoch, the number of the call, how many seconds it is remembered, how many entries the stream
-- keeps at least, the writer's token, and the entries. Returns 'appended' or 'repeated', and the first number.
local head, problem = read_head()
if problem then
  return problem
end
local last_call = redis.call('GET', KEYS[3])
if last_call then
  local call, first = last_call:match('^(%d+):(%d+)$')
  if call == ARGV[2] then
    -- A write on this connection, so that WAIT waits for the replicas. If Redis refuses it, the entries are still
    -- there.
    local refusal = redis.pcall('EXPIRE', KEYS[3], ARGV[3])
    return { 'repeated', first, type(refusal) == 'table' and refusal.err or nil }
  elseif tonumber(call or '') and tonumber(call) > tonumber(ARGV[2]) then
    -- The writer has given this call up.
    return { 'late' }
  end
end
if not head or head.epoch ~= ARGV[1] then
  return { 'other epoch' }
end
local newest = head.newest
for index = 6, #ARGV do
  newest = newest + 1
  -- The first of these is the only command that can fail, so the counter is never ahead of the entries.
  local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[4], text(newest) .. '-0', 'd', ARGV[index],
    't', ARGV[5] .. ':' .. ARGV[2] .. ':' .. (index - 5))
  if added.err and added.err:find('equal or smaller', 1, true) then
    return redis.error_reply('WRONGTYPE another program has added an entry to ' .. KEYS[1] .. ' after number '
      .. text(head.newest))
  elseif added.err then
    return added
  end
end
if head.is_new then
  -- Former epochs without entries concern no reader.
  local first, forks = first_number(head), {}
  for fork, last in head.forks:gmatch('(%x+):(%d+)') do
    if tonumber(last) >= first - 1 then
      forks[#forks + 1] = fork .. ':' .. last
    end
  end
  redis.call('HSET', KEYS[2], 'e', head.epoch, 'n', text(newest), 'r', head.replid,
    'f', table.concat(forks, ',', math.max(1, #forks - 999)))
else
  redis.call('HSET', KEYS[2], 'n', text(newest))
end
redis.call('SET', KEYS[3], ARGV[2] .. ':' .. text(head.newest + 1), 'EX', ARGV[3])
return { 'appended', text(head.newest + 1) }
