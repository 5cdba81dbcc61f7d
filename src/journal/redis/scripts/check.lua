-- Fails if nothing can be saved now. KEYS[3] is a key that expires at once.
local head, problem = read_head()
if problem then
  return problem
end
redis.call('SET', KEYS[3], '', 'PX', 1)
return 'usable'
