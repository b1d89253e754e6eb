/* A disk that fails when told to: a VFS of SQLite's in front of the real one, the default from fault_install
 * on. */
#ifndef STORE_TEST_FAULT_VFS_H
#define STORE_TEST_FAULT_VFS_H

enum fault_call { FAULT_WRITE = 1, FAULT_SYNC = 2, FAULT_READ = 4, FAULT_OPEN = 8 };

void fault_install(void);
/* From the nth of these calls on, `times` of them fail with code (an SQLite result). */
void fault_arm(unsigned calls, int code, int nth, int times);
void fault_disarm(void);
int fault_hits(void); /* calls that have failed since it was armed */
int fault_seen(void); /* calls that could have */

#endif
