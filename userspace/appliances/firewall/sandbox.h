/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef FW_SANDBOX_H
#define FW_SANDBOX_H

/* sandbox_enter - from here on only what the loop needs; complains on stderr and returns -1. */
int sandbox_enter(void);

#endif /* FW_SANDBOX_H */
