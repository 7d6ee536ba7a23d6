/** Greatest distance from 1970, in ms, that a date of JavaScript can have; what a window adds to it is still a safe integer. */
export const timeMsMax = 8.64e15

/** Epoch ms of the first instant that PostgreSQL can compare with, rounded up; JavaScript's last is its last. */
export const storedTimeMsMin = -2e14
