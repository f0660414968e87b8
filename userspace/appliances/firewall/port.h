/* SPDX-License-Identifier: GPL-2.0-only */
/* The core's memory and wire, over libuvf. One process has one set of ports. */
#ifndef FW_PORT_H
#define FW_PORT_H

#include "fw.h"

/* ports_open - lease every function that the rules file names; complains on stderr. */
int ports_open(struct fw *fw);
void ports_close(void);

/* ports_poll - one burst from each port through the core; returns how many frames came. */
unsigned int ports_poll(struct fw *fw);

/* ports_flush - give the kernel what the core sent meanwhile. */
void ports_flush(struct fw *fw);

/* ports_wait - sleep until there are frames; -1 when a port is lost, with a complaint. */
int ports_wait(int timeout_ms);

void ports_read_stats(struct fw *fw);

#endif /* FW_PORT_H */
