<?php

// Saves bursts of values, with pauses in between. Each value ends with a copy of its numbers, so that a torn one is noticed.
function save_bursts(callable $save, string $key, int $bursts, int $saves, int $seed): void
{
    mt_srand($seed);
    for ($burst = 0; $burst < $bursts; $burst++) {
        for ($number = 0; $number < $saves; $number++) {
            $value = [
                'burst' => $burst,
                'save' => $number,
                'sent' => microtime(true),
                'padding' => str_repeat('x', mt_rand(0, 20000)),
                'end' => "$burst-$number",
            ];
            if ($save($key, $value) === false) {
                throw new RuntimeException("$key was not saved");
            }
            usleep(mt_rand(0, 4000));
        }
        usleep(mt_rand(100000, 300000));
    }
}
