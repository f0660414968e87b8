// SPDX-License-Identifier: GPL-2.0-only
/* Frames that a link receives, by libpcap's packet socket, which puts tags back into them. */
#include "capture.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#include <linux/if_ether.h>

#include <uvf/steer.h>

#include "why.h"

#define BUFFER_SIZE (8 << 20)

static int set_filter(struct pcap *link, const struct capture_filter *filter)
{
	char text[128], mac[MAC_TEXT_SIZE];
	struct bpf_program program;
	int err;

	if (!filter->by_address)
		return 0;
	snprintf(text, sizeof(text), "ether dst %s or ether[0] & 1 = 1",
		 mac_text(filter->mac, mac));
	err = pcap_compile(link, &program, text, 1, PCAP_NETMASK_UNKNOWN);
	if (err)
		return err;
	err = pcap_setfilter(link, &program);
	pcap_freecode(&program);
	return err;
}

static int set_up(struct pcap *link, const struct capture_filter *filter, char *said)
{
	pcap_set_snaplen(link, filter->snaplen);
	pcap_set_immediate_mode(link, 1);
	pcap_set_buffer_size(link, BUFFER_SIZE);
	pcap_set_tstamp_precision(link, PCAP_TSTAMP_PRECISION_NANO);
	if (pcap_activate(link) < 0 || pcap_setdirection(link, PCAP_D_IN) ||
	    set_filter(link, filter) || pcap_setnonblock(link, 1, said))
		return -EIO;
	if (pcap_datalink(link) != DLT_EN10MB)
		return uvf_fail(EINVAL, "it is not Ethernet");
	return 0;
}

struct pcap *capture_link_open(const struct place *place, const struct capture_filter *filter)
{
	char said[PCAP_ERRBUF_SIZE] = "";
	struct pcap *link = pcap_create(place->link, said);

	if (!link) {
		uvf_fail(EIO, "can't capture on %s: %s", place->link, said);
		return NULL;
	}
	if (!set_up(link, filter, said))
		return link;
	uvf_fail(EIO, "can't capture on %s: %s", place->link, pcap_geterr(link));
	pcap_close(link);
	return NULL;
}

struct reading {
	const struct capture_filter *filter;
	struct capture_sink *sink;
};

/* libpcap's own filter has no word for "of this VLAN or of none". */
static bool has_vlan(const struct capture_filter *filter, const uint8_t *bytes, uint32_t size)
{
	uint16_t vlan = UVF_VLAN_NONE;

	if (!filter->by_address || filter->vlan == UVF_VLAN_ANY)
		return true;
	if (size >= ETH_HLEN + 4 && (bytes[12] << 8 | bytes[13]) == ETH_P_8021Q)
		vlan = (bytes[14] << 8 | bytes[15]) & 0x0fff;
	return vlan == filter->vlan;
}

static void on_packet(u_char *arg, const struct pcap_pkthdr *header, const u_char *bytes)
{
	const struct reading *reading = (void *)arg;
	const struct capture_event event = {
		.time = header->ts.tv_sec * 1000000000ULL + header->ts.tv_usec,
		.length = header->len,
		.captured = header->caplen,
		.point = reading->filter->point,
	};

	if (has_vlan(reading->filter, bytes, header->caplen))
		reading->sink->frame(reading->sink->arg, &event, bytes);
}

int capture_link_read(struct pcap *link, const struct capture_filter *filter,
		      struct capture_sink *sink)
{
	struct reading reading = { .filter = filter, .sink = sink };

	if (pcap_dispatch(link, -1, on_packet, (void *)&reading) >= 0)
		return 0;
	return uvf_fail(EIO, "no more frames: %s", pcap_geterr(link));
}
