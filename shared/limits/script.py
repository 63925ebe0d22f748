"""The one script that grants leases, over all meters of a request or none.

What is kept in Redis, times in ms by Redis' own clock:

    LIMITS            {epoch, ready, heard, resumed, known, claims, settled}
    LIMITS:holders    {<holder>: "<seq> <expires> <1 where it has claimed>"}
    LIMITS:<meter>    {level, at, claimed, of, sound, check, until, told, told_of,
                       h:<holder>: "<leased> <used> <expires>"}

`level` is what was used: in a period, or with a rate what has not flowed off since `at`. The rule
is level + all that is leased <= limit. A holder says what it has used in total and what it keeps,
so that a call that comes twice changes nothing; one that comes late is behind its `seq`, and is
ignored.
A quote holds its ceiling by a name of its own, `h:q:<id>`, for QUOTE_MS: a holder hands over what
it has reserved, and whoever redeems the quote takes it back in the call that reserves.
A lease that was not renewed in LEASE_MS is gone; one of a budget counts for GRACE_MS more, and
until PostgreSQL was asked after that: what a dead process spent of it nobody else knows. PostgreSQL
is asked for what was used before the last word of each process that lives: what came later is yet
to be told here, and would count twice.

`told` is the share of a budget in percent (50, 80, 100) whose use was told last, `told_of` the
budget then. All of it is used, too, where a request was refused at 95 %: the next that is as large
will be.

Where the epoch is gone (Redis was lost), nothing is granted until each holder that was known has
said what it keeps and how much it saw used, or LEASE_MS have passed; and where one of them did not,
no budget for GRACE_MS more. Where nobody was heard for SILENT_MS (Redis was stopped, or its clock
was set on), leases hold for RETURN_MS more.
"""

LEASE_MS = 5000
SILENT_MS = 2500
RETURN_MS = 5000
GRACE_MS = 10_000
"""The spool of a dead process is found after 5 s, and the writer comes a moment later."""
_CHECKED_MS = 60_000
"""How long after a lease was lost PostgreSQL is asked what its holder spent: usage that a dead
process left on disk comes a little later."""
_CHECK_EVERY_MS = 5000
QUOTE_MS = 60_000
TIMES = (LEASE_MS, SILENT_MS, RETURN_MS, GRACE_MS, _CHECKED_MS, _CHECK_EVERY_MS, QUOTE_MS)

SCRIPT = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local a = cmsgpack.unpack(ARGV[1])
local LEASE, SILENT, RETURN, GRACE, CHECKED, EVERY, QUOTED = unpack(a.times)
local quote = a.quote ~= '' and 'h:q:' .. a.quote
local WORDS = '%.17g %.17g %.17g'
local function numbers(text)
  local found = {}
  for word in string.gmatch(text, '%S+') do found[#found + 1] = tonumber(word) end
  return found
end
local function ending(expires) return math.min(expires, now + LEASE) end

local base = redis.call('HMGET', KEYS[1], 'epoch', 'ready', 'heard', 'resumed', 'known', 'claims',
  'settled')
local epoch, ready, heard = base[1], tonumber(base[2]), tonumber(base[3])
local resumed, known, claims = tonumber(base[4]), tonumber(base[5]), tonumber(base[6])
local settled = tonumber(base[7])
if not epoch then
  epoch, ready, heard, resumed, known, claims = a.fresh, now + LEASE, now, now, 0, 0
  settled = 0
  redis.call('DEL', KEYS[2])
end
ready = ending(ready)
if now - heard > SILENT then
  resumed = now
  if settled == 0 then ready = now + RETURN end
end
resumed = math.min(resumed, now)

local held = redis.call('HGETALL', KEYS[2])
local holders, present, has_claimed = 1, 1, 0
for i = 1, #held, 2 do
  local seq, expires, claimed = unpack(numbers(held[i + 1]))
  if held[i] == a.holder then
    if seq >= a.seq then return cmsgpack.pack({status = 3}) end
    has_claimed = claimed
  elseif now > expires then
    if now > expires + GRACE and now > resumed + RETURN then redis.call('HDEL', KEYS[2], held[i])
    else present = present + 1 end
  else
    holders, present = holders + 1, present + 1
    if expires > ending(expires) then
      redis.call('HSET', KEYS[2], held[i], string.format(WORDS, seq, ending(expires), claimed))
    end
  end
end
local is_claim = a.epoch ~= epoch and a.known > 0
if is_claim and a.whole and has_claimed == 0 then
  has_claimed = 1
  known, claims = math.max(known, a.known), claims + 1
  if claims >= known then ready = math.min(ready, now) end
end
local budgets_ready = ready
if claims < known then budgets_ready = ready + GRACE end
if now < budgets_ready then present = math.max(present, known) else settled = 1 end
redis.call('HSET', KEYS[2], a.holder, string.format(WORDS, a.seq, now + LEASE, has_claimed))
redis.call('HSET', KEYS[1], 'epoch', epoch, 'ready', ready, 'heard', now, 'resumed', resumed,
  'known', known, 'claims', claims, 'settled', settled)

local function load(key, m)
  local raw = redis.call('HGETALL', key)
  local meter = {level = 0, at = now, claimed = 0, of = false, sound = false, leased = 0, gone = {},
    heard = now, awaits = false}
  local others, mine = {}, nil
  for i = 1, #raw, 2 do
    local name, value = raw[i], raw[i + 1]
    if name == 'h:' .. a.holder then mine = numbers(value)
    elseif name == quote then
    elseif string.sub(name, 1, 4) == 'h:q:' then
      local leased, _, expires = unpack(numbers(value))
      if now > math.min(expires, now + QUOTED) then meter.gone[#meter.gone + 1] = name
      else meter.leased = meter.leased + leased end
    elseif string.sub(name, 1, 2) == 'h:' then others[name] = numbers(value)
    elseif name == 'of' or name == 'sound' then meter[name] = value
    else meter[name] = tonumber(value) end
  end
  local flowed = math.max(0, now - meter.at) * m.leak
  meter.level = math.max(0, meter.level - flowed)
  meter.claimed = math.max(0, meter.claimed - flowed)
  meter.at = now
  if meter.of ~= epoch then
    meter.claimed, meter.of = #raw > 0 and meter.level or 0, epoch
  end
  if is_claim and not mine and m.seen > meter.claimed then
    meter.level, meter.claimed = meter.level + m.seen - meter.claimed, m.seen
  end
  local reported = mine and mine[2] or m.acked
  meter.news = math.max(0, m.used - reported)
  meter.level = meter.level + meter.news
  if m.floor >= 0 then
    local rise = math.max(0, m.floor - meter.level)
    meter.level, meter.claimed = meter.level + rise, meter.claimed + rise
    if meter.sound ~= epoch and m.floor_at >= budgets_ready then
      meter.sound = epoch
      if claims < known or known == 0 then
        meter.check, meter['until'] = now + EVERY, now + CHECKED
      end
    end
  end
  for name, lease in pairs(others) do
    if lease[3] > ending(lease[3]) then
      lease[3] = ending(lease[3])
      redis.call('HSET', key, name, string.format(WORDS, lease[1], lease[2], lease[3]))
    end
    local over = lease[3] + m.grace
    local is_over = now > over and now > resumed + RETURN
    local is_known = m.grace == 0 or lease[1] == 0 or m.floor >= 0 and m.floor_at > over
    if is_over and is_known then
      meter.gone[#meter.gone + 1] = name
      if m.grace > 0 and lease[1] > 0 then
        meter.check, meter['until'] = now + EVERY, now + CHECKED
      end
    else
      meter.leased = meter.leased + lease[1]
      if is_over then meter.awaits = true
      else meter.heard = math.min(meter.heard, lease[3] - LEASE) end
    end
  end
  if m.quoted > 0 then meter.leased = meter.leased + m.quoted end
  meter.available = m.limit - meter.level - meter.leased - m.keep
  return meter
end

local meters, fits = {}, true
local needs, unsound, is_young = false, false, now < ready
for i, m in ipairs(a.meters) do
  local meter = load(KEYS[i + 2], m)
  meters[i] = meter
  if m.need > 0 then
    needs = true
    if m.need > meter.available then
      fits = false
      if meter.awaits and m.floor < 0 then unsound = true end
    end
    if m.grace > 0 and meter.sound ~= epoch then unsound = true end
    if m.grace > 0 and now < budgets_ready then is_young = true end
  end
end
local status = 0
if needs and is_young then status = 2
elseif unsound then status = 4
elseif not fits then status = 1 end

local answers = {}
for i, m in ipairs(a.meters) do
  local meter, granted = meters[i], 0
  if status == 0 then
    local left = meter.available - m.need
    local extra = math.floor(math.min(m.want, m.limit / 20 / holders, left / 4 / holders))
    if is_young or (m.grace > 0 and meter.sound ~= epoch) then extra = 0 end
    granted = m.need + math.max(0, extra)
  end
  local reached = 0
  if m.grace > 0 and m.amount > 0 then
    local is_out = m.need > meter.available and meter.level >= 0.95 * m.amount
    local told = meter.told_of == m.amount and meter.told or 0
    for _, percent in ipairs({50, 80, 100}) do
      local is_reached = meter.level * 100 >= percent * m.amount or percent == 100 and is_out
      if is_reached and percent > told then reached = percent end
    end
    if reached > 0 then
      redis.call('HSET', KEYS[i + 2], 'told', reached, 'told_of', m.amount)
    end
  end
  local wants_floor = m.grace > 0 and (meter.sound ~= epoch or meter.awaits)
  if meter.check and now >= meter.check then
    wants_floor = true
    meter.check = now + EVERY
    if now > meter['until'] then meter.check = nil end
  end
  if not wants_floor or now < budgets_ready then wants_floor = 0 else wants_floor = now end
  local key = KEYS[i + 2]
  if m.leaves and meter.news == 0 then meter.gone[#meter.gone + 1] = 'h:' .. a.holder
  else
    redis.call('HSET', key, 'h:' .. a.holder,
      string.format(WORDS, m.keep + granted, m.used, now + LEASE))
  end
  if quote and m.quoted > 0 then
    redis.call('HSET', key, quote, string.format(WORDS, m.quoted, 0, now + QUOTED))
  elseif quote then redis.call('HDEL', key, quote) end
  if #meter.gone > 0 then redis.call('HDEL', key, unpack(meter.gone)) end
  redis.call('HSET', key, 'level', meter.level, 'at', now, 'claimed', meter.claimed, 'of', epoch)
  if meter.sound then redis.call('HSET', key, 'sound', meter.sound) end
  if meter.check then redis.call('HSET', key, 'check', meter.check, 'until', meter['until'])
  else redis.call('HDEL', key, 'check', 'until') end
  redis.call('PEXPIRE', key, m.ttl)
  local wait = 0
  if m.need > meter.available and m.leak > 0 then wait = (m.need - meter.available) / m.leak end
  answers[i] = {granted, meter.level, meter.leased + m.keep + granted, wait, wants_floor,
    now - meter.heard, reached}
end
return cmsgpack.pack({
  status = status, epoch = epoch, holders = holders, known = present,
  ready_in = math.max(0, budgets_ready - now),
  meters = answers,
})
"""
