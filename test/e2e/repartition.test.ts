import { describe } from 'vitest'
import { repartitionSuite } from './repartition.ts'

describe('npm run repartition, embedded', () => repartitionSuite())
