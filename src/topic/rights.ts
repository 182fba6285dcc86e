// What whoever let a client in said that it may do. From authentication/ to authorization/, and kept by store/.

/** Topic filters; %c and %u, or ${clientid} and ${username}, stand for the client and its user. */
export interface Rights {
  readonly publish: readonly string[]
  readonly subscribe: readonly string[]
}
