-- Every script begins with this. KEYS[1] is the stream, KEYS[2] the hash.
--
-- Returns the journal as it is now, or nil and an error, or nil if there is none. A replication id that differs
-- from the stored one shows a restart, a failover or another change of the master, in which entries may have been
-- lost. Then a new epoch begins after the newest entry that is left. Its name depends on both ids alone, so every
-- reader and the next append agree on it although nothing was written yet.
local function read_head()
  local info = redis.call('INFO', 'replication')
  local replid = info:match('master_replid:(%x+)')
  if not replid or #replid ~= 40 then
    return nil, redis.error_reply('NOREPLID this server does not tell its replication id')
  end
  if info:match('role:(%a+)') ~= 'master' then
    return nil, redis.error_reply('READONLY this server is a replica')
  end
  local stored = redis.call('HMGET', KEYS[2], 'e', 'n', 'r', 'f')
  local epoch, newest, forks = stored[1], tonumber(stored[2] or ''), stored[4] or ''
  if not epoch or not newest then
    return nil, nil, replid
  end
  local is_new = stored[3] ~= replid
  if is_new then
    if forks ~= '' then
      forks = forks .. ','
    end
    forks = forks .. epoch .. ':' .. stored[2]
    epoch = redis.sha1hex(epoch .. ':' .. replid):sub(1, 16)
  end
  return { epoch = epoch, newest = newest, forks = forks, replid = replid, is_new = is_new }
end

local function text(number)
  return string.format('%.0f', number)
end

local function number_of(entry)
  return tonumber(entry[1]:match('^(%d+)-0$') or '')
end

-- The value of a field of an entry of the stream.
local function field(entry, name)
  for index = 1, #entry[2], 2 do
    if entry[2][index] == name then
      return entry[2][index + 1]
    end
  end
  return false
end

-- The number of the oldest entry, or the one that the next entry will have.
local function first_number(head)
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  -- Another program may have added entries with higher numbers.
  return math.min(oldest and tonumber(oldest[1]:match('^(%d+)-')) or math.huge, head.newest + 1)
end
