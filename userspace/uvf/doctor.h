/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * uvf doctor: what its examinations share.
 *
 * Two samples of all counters are taken some time apart; meanwhile the uplinks are listened to.
 * Then the host is examined once, and each function in turn.
 */
#ifndef UVF_DOCTOR_H
#define UVF_DOCTOR_H

#include "progs.h"
#include "uvf.h"

enum severity {
	SEVERITY_NOTE, /* worth knowing, nothing wrong */
	SEVERITY_WARNING, /* frames are lost, or go the slow way */
	SEVERITY_ERROR, /* nothing arrives, or nothing leaves */
};

/* What a function had when the first sample was taken, and frames that missed it since. */
struct sample {
	int ifindex;
	int uplink;
	uint8_t mac[6];
	uint16_t vlan;
	struct uvf_reply lease;
	unsigned int strays; /* frames for its address with another VLAN */
	uint16_t stray_vlan; /* of the last one */
	bool listed; /* its address is among those that its uplink receives */
};

struct doctor {
	struct facts facts;
	unsigned int milliseconds; /* between the samples */
	struct sample *samples;
	unsigned int count;
	bool listed; /* what the uplinks receive was asked for */
	int progs_of; /* ifindex of an uplink, and its programs */
	struct progs progs;
	struct json_object *findings;
	enum severity worst;
};

/* A finding: what is wrong. @function: its name, or NULL for the host. */
__attribute__((format(printf, 5, 6))) void found(struct doctor *doctor, enum severity severity,
						 const char *code, const char *function,
						 const char *format, ...);
/* What to do about the finding told last. */
__attribute__((format(printf, 2, 3))) void advise(struct doctor *doctor, const char *format, ...);

const struct sample *sample_of(const struct doctor *doctor, const struct fact *fact);

/* --- doctor_host.c: uvfd, bpffs, limits ----------------------------------------------------- */

void examine_host(struct doctor *doctor);
void examine_uvfd(struct doctor *doctor);

/* --- doctor_link.c: function, port and uplink as links; addresses, VLAN, MTU ----------------- */

void examine_links(struct doctor *doctor, const struct fact *fact);

/* --- doctor_program.c: the programs on them, and who has their queues ------------------------ */

void examine_programs(struct doctor *doctor, const struct fact *fact);

/* --- doctor_flow.c: what happened between the samples ---------------------------------------- */

int doctor_sample(struct doctor *doctor);
void examine_flow(struct doctor *doctor, const struct fact *fact);

#endif /* UVF_DOCTOR_H */
