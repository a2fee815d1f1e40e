<?php

declare(strict_types=1);

/**
 * Runs app.php under RoadRunner: one process of the pool in .rr.yaml, which takes one request after
 * the other. Nothing may be written to standard output, which belongs to RoadRunner.
 */

use Nyholm\Psr7\Factory\Psr17Factory;
use Nyholm\Psr7\Response;
use Spiral\RoadRunner\Http\PSR7Worker;
use Spiral\RoadRunner\Worker;

ini_set('display_errors', 'stderr');

require __DIR__ . '/vendor/autoload.php';
require __DIR__ . '/app.php';

$factory = new Psr17Factory();
$worker = new PSR7Worker(Worker::create(), $factory, $factory, $factory);

while (true) {
    try {
        $request = $worker->waitRequest();
    } catch (Throwable) {
        // What came is no request that PSR-7 knows.
        $worker->respond(new Response(400));
        continue;
    }
    if ($request === null) {
        break; // RoadRunner ends this process.
    }
    try {
        $headers = array_map(fn (array $values) => implode(', ', $values), $request->getHeaders());
        $answer = handle(
            $request->getMethod(),
            // With its percent escapes: the signature is over the path as it came.
            $request->getRequestTarget(),
            (string) $request->getBody(),
            array_change_key_case($headers)
        );
        $worker->respond(new Response($answer['status'], $answer['headers'], $answer['body']));
    } catch (Throwable $e) {
        // The process stays. The gateway makes the CALLERROR "InternalError" of it.
        error_log((string) $e);
        $worker->respond(new Response(500));
    }
}
