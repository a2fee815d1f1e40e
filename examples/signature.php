<?php

declare(strict_types=1);

/*
 * For backends in PHP: is it the gateway who calls?
 *
 * The gateway signs each request when it runs with --sign-key-file, in two ways: one of them is enough.
 * Both checks are over the path of the request line and the body's bytes, as they came.
 */

/**
 * Checks the headers of Standard Webhooks:
 *
 *     require 'signature.php';
 *
 *     $body = file_get_contents('php://input');
 *     $secrets = file('/run/secrets/ws2api-key', FILE_IGNORE_NEW_LINES); // whsec_… on each line.
 *     $headers = array_change_key_case(getallheaders());
 *     if ($_SERVER['REQUEST_METHOD'] !== 'POST'
 *             || !isSignedByGateway($_SERVER['REQUEST_URI'], $headers, $body, $secrets)) {
 *         http_response_code(401);
 *         exit;
 *     }
 *
 * Within five minutes whoever has seen a request can send it again: its Webhook-Id tells.
 *
 * @param string                $path    As in the request line, percent escapes and all.
 * @param array<string, string> $headers By name in lower case.
 * @param list<string>          $secrets The lines of --sign-key-file; at least one of them has signed.
 */
function isSignedByGateway(string $path, array $headers, string $body, array $secrets): bool
{
    ['webhook-id' => $id, 'webhook-timestamp' => $time, 'webhook-signature' => $signatures]
        = $headers + ['webhook-id' => '', 'webhook-timestamp' => '', 'webhook-signature' => ''];
    $hash = strtr(base64_encode(hash('sha256', "POST $path", true)), '+/=', '-_ ');
    if (!str_ends_with($id, '_' . rtrim($hash)) || abs(time() - (int) $time) > 300) {
        return false;
    }
    // Nothing else is a key: anyone can sign with an empty one.
    foreach (preg_grep('~^whsec_[A-Za-z0-9+/]{4}~', $secrets) as $secret) {
        $key = base64_decode(substr($secret, strlen('whsec_')));
        $expected = 'v1,' . base64_encode(hash_hmac('sha256', "$id.$time.$body", $key, true));
        foreach (explode(' ', $signatures) as $signature) {
            if (hash_equals($expected, $signature)) {
                return true;
            }
        }
    }
    return false;
}

/**
 * Checks the header X-Ws2api-Signature:
 *
 *     require 'signature.php';
 *
 *     $body = file_get_contents('php://input');
 *     $key = rtrim(file_get_contents('/run/secrets/ws2api-key'), "\r\n");
 *     if (!isFromGateway($_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'],
 *             $_SERVER['HTTP_X_WS2API_SIGNATURE'] ?? '', $body, $key)) {
 *         http_response_code(401);
 *         exit;
 *     }
 *
 * The gateway drops the line end of its key file, and only one; rtrim drops all of them, which is the
 * same for a key that ends with none of its own.
 *
 * @param string $path          As in the request line, percent escapes and all.
 * @param string $signature     The header X-Ws2api-Signature.
 * @param string $key           The key of --sign-key-file, without the line end of the file.
 * @param int    $maxAgeSeconds How old a request may be, and how far the two clocks may be apart.
 *                              Whoever has seen a request can send it again for that long.
 */
function isFromGateway(
    string $method,
    string $path,
    string $signature,
    string $body,
    string $key,
    int $maxAgeSeconds = 300
): bool {
    if (preg_match('/^t=(\d{1,12}),v1=([0-9a-f]{64})$/D', $signature, $part) !== 1) {
        return false;
    }
    [, $time, $hex] = $part;
    if (abs(time() - (int) $time) > $maxAgeSeconds) {
        return false;
    }
    // hash_equals takes the same time for each guess of the same length.
    return hash_equals(hash_hmac('sha256', "$time\n$method\n$path\n$body", $key), $hex);
}
