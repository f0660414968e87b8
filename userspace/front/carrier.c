// SPDX-License-Identifier: GPL-2.0-only
/*
 * The function's link, as rtnetlink tells: the guest sees it in its device's configuration
 * (Virtio 1.2, 5.1.4, VIRTIO_NET_S_LINK_UP), and front-ends that ask are told of changes.
 */
#include "front.h"

#include <errno.h>

static void on_change(void *ctx, bool up)
{
	device_link(ctx, up);
}

static void on_hearing(int fd, short what, void *arg)
{
	struct front *front = arg;

	uvf_carrier_read(&front->carrier);
}

int carrier_open(struct front *front)
{
	int err = uvf_carrier_open(&front->carrier, front->info.ifindex, on_change, front);

	if (err)
		return err;
	front->heard = loop_watch(front, uvf_carrier_fd(&front->carrier), on_hearing, front);
	return front->heard ? 0 : -ENOMEM;
}

void carrier_close(struct front *front)
{
	loop_forget(&front->heard);
	uvf_carrier_close(&front->carrier);
}
