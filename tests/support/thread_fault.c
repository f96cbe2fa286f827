// SPDX-License-Identifier: Apache-2.0
//
// LD_PRELOAD shim: the thread that the number in $THREAD_FAULT names, counted from 1 in the order
// in which they are made, cannot be had. With ":EPERM" after the number it is not permitted, as
// under seccomp profiles that refuse clone3(2).

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static atomic_long made;

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*start)(void*),
                   void* argument) {
  int (*next)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  const char* fault = getenv("THREAD_FAULT");
  if (fault != NULL && atomic_fetch_add(&made, 1) + 1 == atol(fault)) {
    return strstr(fault, ":EPERM") != NULL ? EPERM : EAGAIN;
  }
  void* address = dlsym(RTLD_NEXT, "pthread_create");
  if (address == NULL) abort();
  memcpy(&next, &address, sizeof address);
  return next(thread, attributes, start, argument);
}
