-- Saves a value in the journal of actix-web-sse in Redis 7, for programs in other languages. The guide "Several
-- machines" describes it.
--
-- KEYS: {PREFIX}:s, {PREFIX}:m, and {PREFIX}:i:TOKEN with the PREFIX of SSE_CACHE. TOKEN is 16 or more random letters and
--       digits, new for each save. If the answer is lost, repeat the call with the same token within 60 seconds: it is
--       one save.
-- ARGV: the cache key, the value as JSON on one line, its time to live in milliseconds (0: until it is swept), and the
--       audiences; without any, the value is for everyone.
--
-- Returns the id of the event. An error that begins with INVALID is a mistake in an argument.

-- How many entries the stream keeps at least while no server runs, which would remove old ones. Use twice the
-- app's `with_history` or more.
local MAX_ENTRIES = 100000

-- The app's `with_max_value_bytes`.
local MAX_VALUE_BYTES = 65536

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

-- The number of the oldest entry, or the one that the next entry will have.
local function first_number(head)
  local oldest = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
  -- Another program may have added entries with higher numbers.
  return math.min(oldest and tonumber(oldest[1]:match('^(%d+)-')) or math.huge, head.newest + 1)
end

local function is_utf8(bytes)
  for _, character in ipairs({
    '[\194-\223][\128-\191]', '\224[\160-\191][\128-\191]', '[\225-\236\238\239][\128-\191][\128-\191]',
    '\237[\128-\159][\128-\191]', '\240[\144-\191][\128-\191][\128-\191]',
    '[\241-\243][\128-\191][\128-\191][\128-\191]', '\244[\128-\143][\128-\191][\128-\191]',
  }) do
    bytes = bytes:gsub(character, ' ')
  end
  return not bytes:find('[\128-\255]')
end

-- Redis's parser also accepts NaN, hexadecimal numbers and the like, which are no JSON.
local function is_json(value)
  if value:find('%c') or not is_utf8(value) or not pcall(cjson.decode, '[' .. value .. ']') then
    return false
  end
  local bare = value:gsub('\\.', ''):gsub('"[^"]*"', '""')
  for word in bare:gmatch('[^%s%[%]{}:,"]+') do
    local number = word:gsub('[eE][+-]?%d+$', ''):gsub('(%d)%.%d+$', '%1')
    if not ({ ['true'] = 1, ['false'] = 1, null = 1 })[word] and not number:find('^-?[1-9]%d*$')
      and not number:find('^-?0$') then
      return false
    end
  end
  -- Not a list of several values.
  return #cjson.decode('[' .. value .. ']') == 1
end

local function is_key(key)
  return #key >= 1 and #key <= 255 and is_utf8(key) and not key:find('^%.') and not key:find('[%c{}()/\\@:,]')
    and not key:find('\194[\128-\159]')
end

local function is_audience(name)
  if #name < 1 or #name > 200 or not is_utf8(name) or name:find('[%c*,]') or name:find('\194[\128-\159]')
    or name:find('\226\128[\168-\174]') or name:find('\226\129[\166-\169]') then
    return false
  end
  for _, space in ipairs({ ' ', '\194\160', '\225\154\128', '\226\128[\128-\138\175]', '\226\129\159', '\227\128\128' }) do
    if name:find('^' .. space) or name:find(space .. '$') then
      return false
    end
  end
  return true
end

-- The time in the format of RFC 3339. All entries have Redis's time.
local function timestamp()
  local time = redis.call('TIME')
  local seconds, floor = tonumber(time[1]), math.floor
  local days = floor(seconds / 86400) + 719468
  local era = floor(days / 146097)
  local day_of_era = days - era * 146097
  local year = floor((day_of_era - floor(day_of_era / 1460) + floor(day_of_era / 36524) - floor(day_of_era / 146096)) / 365)
  -- The year begins in March.
  local day = day_of_era - (365 * year + floor(year / 4) - floor(year / 100))
  local month = floor((5 * day + 2) / 153)
  day = day - floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  year = year + era * 400 + (month <= 2 and 1 or 0)
  seconds = seconds % 86400
  return string.format('%04d-%02d-%02dT%02d:%02d:%02d.%03dZ', year, month, day, floor(seconds / 3600),
    floor(seconds / 60) % 60, seconds % 60, floor(tonumber(time[2]) / 1000))
end

local token = (KEYS[3] or ''):match(':i:(%w+)$')
if not token or #token < 16 then
  return redis.error_reply('INVALID three keys are needed, and the token in the third has at least 16 letters and digits')
end
local key, value, ttl = ARGV[1] or '', ARGV[2] or '', ARGV[3] or ''
if not is_key(key) then
  return redis.error_reply('INVALID the cache key is not allowed')
end
if #value > MAX_VALUE_BYTES then
  return redis.error_reply('INVALID the value is larger than ' .. MAX_VALUE_BYTES .. ' bytes')
end
if not is_json(value) then
  return redis.error_reply('INVALID the value is not JSON on one line')
end
if not ttl:find('^%d+$') or #ttl > 13 then
  return redis.error_reply('INVALID the time to live is not a number of milliseconds')
end
if #ARGV > 103 then
  return redis.error_reply('INVALID there are more than 100 audiences')
end
local audiences = {}
for index = 4, #ARGV do
  if not is_audience(ARGV[index]) then
    return redis.error_reply('INVALID the name of an audience is not allowed')
  end
  audiences[#audiences + 1] = ARGV[index]
end

local head, problem, replid = read_head()
if problem then
  return problem
end
-- The call was executed before, and its answer was lost.
local first = redis.call('GET', KEYS[3])
if first then
  return first:match(':(.*)$')
end
if not head then
  -- There is no journal. A random epoch tells clients of former ones that this is another.
  redis.call('DEL', KEYS[1])
  local epoch = redis.sha1hex(token .. replid .. timestamp()):sub(1, 16)
  head = { epoch = epoch, newest = 0, forks = '', replid = replid, is_new = true }
end
local recipients = ''
if #audiences > 0 then
  recipients = ',"to":' .. cjson.encode(audiences) .. ',"needs":["audiences"]'
end
local document = string.format('{"time":"%s","ttl_ms":%s,"key":%s,"value":', timestamp(), text(tonumber(ttl)),
  cjson.encode(key)) .. value .. recipients .. '}'
local number = text(head.newest + 1)
-- This is the only command that can fail, so the counter is never ahead of the entries.
local added = redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', MAX_ENTRIES, number .. '-0', 'd', document, 't', token .. ':0:1')
if added.err and added.err:find('equal or smaller', 1, true) then
  return redis.error_reply('WRONGTYPE another program has added an entry to ' .. KEYS[1] .. ' after number '
    .. text(head.newest))
elseif added.err then
  return added
end
if head.is_new then
  -- Former epochs without entries concern no reader.
  local first, forks = first_number(head), {}
  for fork, last in head.forks:gmatch('(%x+):(%d+)') do
    if tonumber(last) >= first - 1 then
      forks[#forks + 1] = fork .. ':' .. last
    end
  end
  redis.call('HSET', KEYS[2], 'e', head.epoch, 'n', number, 'r', head.replid,
    'f', table.concat(forks, ',', math.max(1, #forks - 999)))
else
  redis.call('HSET', KEYS[2], 'n', number)
end
local id = head.epoch .. '-' .. number
redis.call('SET', KEYS[3], '0:' .. id, 'EX', 60)
return id
