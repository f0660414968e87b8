/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The handshake by which a program without rights on BPF gets the XSKMAP of a network device:
 * DPDK's net_af_xdp with `use_cni=1` (since 23.07) and CNDP speak it, and the AF_XDP device plugin
 * for Kubernetes serves it (DPDK's guide howto/af_xdp_dp.rst; constants/constants.go there).
 *
 * A Unix socket of type SOCK_SEQPACKET; one request, one answer, each a text without a NUL.
 *
 *	/connect,HOST			/host_ok or /host_nak; must be the first
 *	/version			0.1
 *	/xsk_map_fd,DEVICE		/fd_ack, which carries the map, or /fd_nak
 *	/config_busy_poll,USECS,BUDGET	carries an AF_XDP socket; /config_busy_poll_ack or …_nak
 *	/fin				/fin_ack, and the connection ends
 *	what else there may be		/nak
 */
#ifndef UVF_CNI_H
#define UVF_CNI_H

#include <stddef.h>

#define CNI_MESSAGE 64 /* bytes, at most */
/* Characters of a host's name that DPDK sends: what fits into its message, with a NUL. */
#define CNI_HOST (CNI_MESSAGE - sizeof("/connect,"))

enum cni_verb {
	CNI_UNKNOWN,
	CNI_CONNECT,
	CNI_VERSION,
	CNI_MAP,
	CNI_BUSY_POLL,
	CNI_FIN,
};

struct cni_request {
	enum cni_verb verb;
	char name[CNI_MESSAGE]; /* host (CONNECT) or device (MAP): letters, digits, one of ._:@-  */
	unsigned int usecs, budget; /* BUSY_POLL: 1 to 65535 */
};

/* What is not a request as above, to the letter, is CNI_UNKNOWN. */
void cni_parse(const char *message, size_t size, struct cni_request *to);

#endif /* UVF_CNI_H */
