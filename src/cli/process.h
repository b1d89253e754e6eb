/*
 * What the process of a running bridge owes the system: no core, no readable memory, as many descriptors as
 * it may have.
 */
#ifndef CLI_PROCESS_H
#define CLI_PROCESS_H

void process_harden(void);

#endif
