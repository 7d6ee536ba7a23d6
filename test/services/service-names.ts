export const serviceNames = ['kafka', 'registry', 'postgres', 'redis', 'chromium'] as const
export type ServiceName = (typeof serviceNames)[number]

/** What the global set-up found of a service: its address, or why there is none. */
export type ServiceState = { readonly address: string } | { readonly missing: string }

declare module 'vitest' {
  interface ProvidedContext {
    services: Readonly<Partial<Record<ServiceName, ServiceState>>>
  }
}
