import { createHash } from 'node:crypto'
import { blobVersion } from './channel-blob.ts'

export interface RedisScript {
  readonly text: string
  readonly sha: string
}

const script = (text: string): RedisScript => ({ text, sha: createHash('sha1').update(text).digest('hex') })

/**
 * KEYS: the set of symbols, then the channels. ARGV: for each channel its symbol and its blob.
 * A channel with a higher (e, q) stays; a blob of another version is replaced.
 */
export const writeChannels = script(`
for i = 2, #KEYS do
  local symbol, blob = ARGV[i * 2 - 3], ARGV[i * 2 - 2]
  local head = redis.call('GETRANGE', KEYS[i], 0, 16)
  local newer = true
  if #head == 17 and string.byte(head) == ${blobVersion} then
    local knownE, knownQ = struct.unpack('>dd', string.sub(head, 2))
    local e, q = struct.unpack('>dd', string.sub(blob, 2, 17))
    newer = e > knownE or (e == knownE and q >= knownQ)
  end
  if newer then redis.call('SET', KEYS[i], blob) end
  redis.call('SADD', KEYS[1], symbol)
end
return 1`)

/** KEYS: the partition's position, "e offset". ARGV: e, offset. A position ahead stays. */
export const writePosition = script(`
local known = redis.call('GET', KEYS[1])
if known then
  local knownE, knownOffset = string.match(known, '^(%d+) (%d+)$')
  local e, offset = tonumber(ARGV[1]), tonumber(ARGV[2])
  knownE, knownOffset = tonumber(knownE), tonumber(knownOffset)
  if knownE and (knownE > e or (knownE == e and knownOffset > offset)) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2])
return 1`)
