// SPDX-License-Identifier: GPL-2.0-only
/*
 * An appliance of several threads, one for each queue of its function: sends back what comes in,
 * with the addresses exchanged.
 *
 *	uvf run --on fw0 -- threads fw0
 *
 * Says "ready" and how many queues there are. At SIGTERM it prints what came in on each as JSON.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <uvf/libuvf.h>

#define QUEUES 32
#define BURST 64
#define FRAMES 32768
#define WAIT_MS 50

struct worker {
	struct uvf *uvf;
	struct uvf_dev *dev;
	uint64_t frames;
	uint64_t lost; /* no room to send */
	pthread_t thread;
};

static volatile sig_atomic_t ended;

static void on_signal(int signal)
{
	ended = 1;
}

static void check(int err)
{
	if (!err)
		return;
	fprintf(stderr, "threads: %s\n", uvf__why());
	exit(1);
}

static void turn_round(uint8_t *eth)
{
	uint8_t mac[6];

	memcpy(mac, eth, sizeof(mac));
	memmove(eth, eth + sizeof(mac), sizeof(mac));
	memcpy(eth + sizeof(mac), mac, sizeof(mac));
}

static void *echo(void *arg)
{
	struct worker *worker = arg;
	struct uvf_frame frames[BURST];

	while (!ended) {
		unsigned int n = uvf_dev__rx(worker->dev, frames, BURST), sent;

		for (unsigned int i = 0; i < n; i += uvf_frame__buffers(frames + i, n - i))
			turn_round(uvf__data(worker->uvf, &frames[i]));
		sent = uvf_dev__tx(worker->dev, frames, n);
		uvf__free(worker->uvf, frames + sent, n - sent);
		worker->frames += n;
		worker->lost += n - sent;
		if (!n)
			uvf__wait(worker->uvf, WAIT_MS);
	}
	return NULL;
}

static void tell(const struct worker *workers, unsigned int queues)
{
	printf("{ \"queues\": [");
	for (unsigned int i = 0; i < queues; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)workers[i].frames);
	printf("], \"lost\": [");
	for (unsigned int i = 0; i < queues; i++)
		printf("%s%llu", i ? ", " : "", (unsigned long long)workers[i].lost);
	printf("] }\n");
}

int main(int argc, char **argv)
{
	struct uvf_opts opts = { .size = sizeof(opts), .frames = FRAMES,
				 .jumbo = UVF_JUMBO_IF_SET };
	struct sigaction action = { .sa_handler = on_signal };
	struct worker workers[QUEUES] = { 0 };
	unsigned int queues;

	if (argc != 2) {
		fprintf(stderr, "usage: threads FUNCTION\n");
		return 64;
	}
	sigaction(SIGTERM, &action, NULL);
	check(uvf__open(&workers[0].uvf, &opts));
	check(uvf_dev__open(&workers[0].dev, workers[0].uvf, argv[1]));
	queues = uvf_dev__queues(workers[0].dev);
	for (unsigned int i = 1; i < queues; i++) {
		check(uvf__split(&workers[i].uvf, workers[0].uvf, FRAMES / 2 / queues));
		check(uvf_dev__split(&workers[i].dev, workers[0].dev, workers[i].uvf, 1, 1));
	}
	for (unsigned int i = 1; i < queues; i++)
		if (pthread_create(&workers[i].thread, NULL, echo, &workers[i]))
			return 1;
	printf("ready queues=%u\n", queues);
	fflush(stdout);
	echo(&workers[0]);
	for (unsigned int i = 1; i < queues; i++)
		pthread_join(workers[i].thread, NULL);
	tell(workers, queues);
	uvf__close(workers[0].uvf);
	return 0;
}
