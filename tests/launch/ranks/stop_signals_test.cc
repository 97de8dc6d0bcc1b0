#include "launch/ranks/stop_signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace quadhop {
namespace {

void WaitFor(const StopSignals& stop) {
  while (!stop.Requested()) std::this_thread::yield();
}

// In a process that ends by it: a second request more than a second after the first.
void AskTwice(int first, int second) {
  StopSignals stop;
  stop.Defer();
  kill(getpid(), first);
  WaitFor(stop);
  std::this_thread::sleep_for(std::chrono::milliseconds(1200));
  kill(getpid(), second);
  std::this_thread::sleep_for(std::chrono::seconds(1));
  _exit(0);
}

TEST(StopSignals, TakesAnyOfItsSignalsForARequest) {
  for (const int signal : {SIGUSR1, SIGUSR2, SIGTERM, SIGINT, SIGHUP}) {
    StopSignals stop;
    stop.Defer();
    EXPECT_FALSE(stop.Requested());
    ASSERT_EQ(kill(getpid(), signal), 0);
    WaitFor(stop);
  }
}

TEST(StopSignals, ThoseWithinASecondOfTheFirstAreOneRequest) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StopSignals stop;
        stop.Defer();
        kill(getpid(), SIGTERM);
        WaitFor(stop);
        for (const int signal : {SIGTERM, SIGHUP}) kill(getpid(), signal);
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopSignals, ALaterOneEndsTheProcessAtOnce) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(AskTwice(SIGUSR1, SIGTERM), testing::ExitedWithCode(1),
              "asked to stop a second time");
}

TEST(StopSignals, EndTheProcessAtOnceUntilTheyAreDeferred) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        const StopSignals stop;
        kill(getpid(), SIGTERM);
        while (true) pause();
      },
      testing::ExitedWithCode(75), "stops before its first step, as asked");
}

TEST(StopSignals, OneOfARankThatBeginsToTrainWhileItWaitsIsARequest) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
        StopSignals stop;
        kill(getpid(), SIGTERM);
        std::this_thread::sleep_for(std::chrono::milliseconds(500));
        stop.Defer();
        WaitFor(stop);
        _exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(StopSignals, EndTheProcessAgainOnceTheyAreDeferredNoLonger) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        StopSignals stop;
        stop.Defer();
        kill(getpid(), SIGTERM);
        WaitFor(stop);
        stop.EndAtOnce();
      },
      testing::ExitedWithCode(75), "stops before its first step, as asked");
}

TEST(StopSignals, Usr1AndUsr2StayOneRequestHoweverOftenTheyCome) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const int signal : {SIGUSR1, SIGUSR2})
    EXPECT_EXIT(AskTwice(SIGUSR1, signal), testing::ExitedWithCode(0), "");
}

TEST(StopSignals, ItsEndGivesTheSignalsBackButUsr1AndUsr2) {
  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;
  ASSERT_EQ(sigaction(SIGTERM, &ignore, &before), 0);
  { const StopSignals stop; }
  EXPECT_EQ(kill(getpid(), SIGTERM), 0);  // ignored, as before: this test lives
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    EXPECT_EQ(kill(getpid(), signal), 0);
    sigset_t blocked_still;
    sigemptyset(&blocked_still);
    sigaddset(&blocked_still, signal);
    int taken = 0;
    EXPECT_EQ(sigwait(&blocked_still, &taken), 0);
  }
  sigset_t blocked;
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, nullptr, &blocked), 0);
  EXPECT_EQ(sigismember(&blocked, SIGTERM), 0);
  ASSERT_EQ(sigaction(SIGTERM, &before, nullptr), 0);
}

TEST(StopSignals, WhatWasIgnoredBeforeStaysIgnored) {
  struct sigaction ignore = {}, before = {};
  ignore.sa_handler = SIG_IGN;  // as nohup does
  ASSERT_EQ(sigaction(SIGHUP, &ignore, &before), 0);
  {
    StopSignals stop;
    stop.Defer();
    ASSERT_EQ(kill(getpid(), SIGHUP), 0);
    ASSERT_EQ(kill(getpid(), SIGHUP), 0);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    EXPECT_FALSE(stop.Requested());
  }
  ASSERT_EQ(sigaction(SIGHUP, &before, nullptr), 0);
}

}  // namespace
}  // namespace quadhop
