;; Squared distances of `count` vectors of int8 at `rows` to the one at `query`: one i32 each, from `out` on. `stride`: bytes of a
;; vector, a multiple of 16 (what is beyond its length is zero in both). All of it integers: the same numbers as plain JavaScript.
;; Text of the bytes in distances.ts: wat2wasm distances.wat -o - | base64 (package wabt)
(module
  (memory (export "memory") 1)
  (func (export "distances") (param $query i32) (param $rows i32) (param $count i32) (param $stride i32) (param $out i32)
    (local $at i32) (local $end i32) (local $a v128) (local $b v128) (local $low v128) (local $high v128) (local $sum v128)
    (local.set $end (i32.add (local.get $out) (i32.shl (local.get $count) (i32.const 2))))
    (block $done
      (loop $vectors
        (br_if $done (i32.ge_u (local.get $out) (local.get $end)))
        (local.set $sum (v128.const i32x4 0 0 0 0))
        (local.set $at (i32.const 0))
        (loop $parts
          (local.set $a (v128.load (i32.add (local.get $query) (local.get $at))))
          (local.set $b (v128.load (i32.add (local.get $rows) (local.get $at))))
          (local.set $low
            (i16x8.sub (i16x8.extend_low_i8x16_s (local.get $a)) (i16x8.extend_low_i8x16_s (local.get $b))))
          (local.set $high
            (i16x8.sub (i16x8.extend_high_i8x16_s (local.get $a)) (i16x8.extend_high_i8x16_s (local.get $b))))
          (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s (local.get $low) (local.get $low))))
          (local.set $sum (i32x4.add (local.get $sum) (i32x4.dot_i16x8_s (local.get $high) (local.get $high))))
          (local.set $at (i32.add (local.get $at) (i32.const 16)))
          (br_if $parts (i32.lt_u (local.get $at) (local.get $stride))))
        (i32.store (local.get $out)
          (i32.add
            (i32.add (i32x4.extract_lane 0 (local.get $sum)) (i32x4.extract_lane 1 (local.get $sum)))
            (i32.add (i32x4.extract_lane 2 (local.get $sum)) (i32x4.extract_lane 3 (local.get $sum)))))
        (local.set $rows (i32.add (local.get $rows) (local.get $stride)))
        (local.set $out (i32.add (local.get $out) (i32.const 4)))
        (br $vectors)))))
