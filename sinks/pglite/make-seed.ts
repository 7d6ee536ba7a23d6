import { makeSeed } from './seed.ts'

// Run when the packages are installed. Without a seed a first start takes some seconds longer, and that is all.
try {
  await makeSeed()
} catch (error) {
  console.warn(`no database seed: the first start will take some seconds longer (${String(error)})`)
}
process.exit(0)
