<?php

namespace App\Controllers;

class Bursts extends BaseController
{
    public function index(): string
    {
        set_time_limit(0);
        helper('bursts');
        $number = fn (string $name): int => (int) $this->request->getGet($name);
        save_bursts(
            cache()->save(...),
            $this->request->getGet('key'),
            $number('bursts'),
            $number('saves'),
            $number('seed'),
        );
        return 'saved';
    }
}
