-- SPDX-License-Identifier: Apache-2.0
-- What wrk sends: transfers of many accounts by several callers, the same ones to every contender.
--   wrk ... -s calls.lua URL -- TOKENS BASE PAUSE
-- TOKENS: a file with a token a line; PAUSE: at most so many milliseconds before each call, 0: none.
-- At the end one JSON object: calls, seconds, faults, p50_us, p99_us.

local ACCOUNTS = 499 -- no multiple of the tokens' number

local requests, at, pause = {}, 0, 0

local function body(i)
   return string.format('{"to":"CH5600762000000000001","name":"Ada Abel","amount":{"hundredths":%d,' ..
                        '"currency":"CHF"},"text":"invoice %d"}', 1000 + i, 1200 + i)
end

function init(args)
   local tokens = {}
   for line in io.lines(args[1]) do tokens[#tokens + 1] = line end
   pause = tonumber(args[3])
   for i = 0, ACCOUNTS - 1 do
      requests[i] = wrk.format("POST", string.format("%s/accounts/A%08d/transfers", args[2], i + 1), {
         ["Authorization"] = "Bearer " .. tokens[i % #tokens + 1],
         ["Content-Type"] = "application/json",
         ["Accept"] = "application/json",
         ["User-Agent"] = "bench/1.0",
         ["Idempotency-Key"] = string.format("6ba7b810-9dad-11d1-80b4-00c04fd4%04x", i),
      }, body(i))
   end
   if pause == 0 then delay = nil end
end

function request()
   at = (at + 1) % ACCOUNTS
   return requests[at]
end

function delay()
   return math.random(pause)
end

function done(summary, latency)
   local e = summary.errors
   io.write(string.format('{"calls":%d,"seconds":%f,"faults":%d,"p50_us":%d,"p99_us":%d}\n',
                          summary.requests, summary.duration / 1e6,
                          e.connect + e.read + e.write + e.timeout + e.status,
                          latency:percentile(50), latency:percentile(99)))
end
