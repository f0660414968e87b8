/* SPDX-License-Identifier: GPL-2.0-only */
/* What uvfd and its keeper give up. Each returns 0 or -errno with a sentence. */
#ifndef UVFD_SANDBOX_H
#define UVFD_SANDBOX_H

int sandbox_uvfd(void);
int sandbox_keeper(void);

#endif /* UVFD_SANDBOX_H */
