// SPDX-License-Identifier: GPL-2.0-only
/* The program of a leased function. See socket.h. */
#include "socket.h"

/* The appliance asked for metadata; else the kernel leaves that out when it loads the program. */
const volatile bool meta = false;

SEC("xdp.frags")
int uvf_socket(struct xdp_md *ctx)
{
	int action = to_socket(ctx);

	if (meta && action == XDP_REDIRECT) {
		struct uvf_meta_block block = meta_now();

		meta_put(ctx, &block);
	}
	return action;
}

char _license[] SEC("license") = "GPL";
