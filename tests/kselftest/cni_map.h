/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef CNI_MAP_H
#define CNI_MAP_H

/* The XSKMAP of @device from who listens on @path. Both end the program when they are refused. */
int cni_map(const char *path, const char *device);
/* Has busy polling set on the socket @xsk, as CNDP does. */
void cni_busy_poll(const char *path, int xsk);

#endif /* CNI_MAP_H */
