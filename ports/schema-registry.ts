/** Schemas by id. Adapters: in-process, and Confluent's HTTP protocol (Redpanda, Confluent, Karapace, Apicurio). */
export interface SchemaRegistry {
  /**
   * Registers an Avro schema under a subject, or finds it there.
   *
   * @returns Its id, the same for the same schema.
   * @throws {TransientError} `REGISTRY_UNREACHABLE`.
   * @throws {FatalError} `SCHEMA_INCOMPATIBLE` when the registry refuses it.
   */
  register(subject: string, schema: object): Promise<number>
  /**
   * @returns The Avro schema as JSON, or undefined where the registry says it does not know the id.
   * @throws {TransientError} `REGISTRY_UNREACHABLE`: nothing is known of the id.
   */
  schema(id: number): Promise<object | undefined>
  ping(): Promise<void>
  close(): Promise<void>
}
