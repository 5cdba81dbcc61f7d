<?php

namespace App\Commands;

use CodeIgniter\CLI\BaseCommand;

class BurstsCommand extends BaseCommand
{
    protected $group = 'App';
    protected $name = 'bursts';
    protected $description = 'Saves bursts of values.';

    public function run(array $params)
    {
        helper('bursts');
        [$key, $bursts, $saves, $seed] = $params;
        save_bursts(cache()->save(...), $key, (int) $bursts, (int) $saves, (int) $seed);
    }
}
