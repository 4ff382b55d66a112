using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using System.Security.Cryptography;
using Words = System.Runtime.Intrinsics.Vector512<uint>;

namespace RobustTrain.Training.Checkpoints.Digests;

/// <summary>
/// SHA-256 of messages at once, one in each lane of two vectors of AVX-512: more than twice as fast as one after the other with the
/// processor's own instructions for SHA, each of which waits for the one before it. So would each round of one vector; meanwhile that of
/// the other goes on. Source: FIPS 180-4, sections 4.1.2, 4.2.2, 5 and 6.2.2.
/// </summary>
internal static class Sha256Lanes
{
    /// <summary>The messages that are hashed at once.</summary>
    public const int Count = 2 * LanesOfVector;

    private const int LanesOfVector = 16;
    private const int BlockBytes = 64;

    // What is taken of each message at a time, and how far apart these lie meanwhile: messages a power of two apart would drive each other from the caches.
    private const int BurstBytes = 1024;
    private const int BurstStride = BurstBytes + BlockBytes;
    private const int BlockWords = 16;
    private const int StateWords = 8;
    private const int Rounds = 64;

    // Truth tables of the ternary instruction: x ^ y ^ z, x ? y : z, and the majority of the three.
    private const byte Parity = 0x96;
    private const byte Choice = 0xCA;
    private const byte Majority = 0xE8;

    private static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    private static ReadOnlySpan<uint> InitialState => [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    // Within each word: the messages are big-endian.
    private static Vector512<byte> ReversedBytes =>
        Vector512.Create(Vector256.Create(Vector128.Create((byte)3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12)));

    /// <summary>Whether the processor has the instructions.</summary>
    public static bool IsSupported => Avx512BW.IsSupported;

    /// <summary>Hashes messages that follow each other.</summary>
    /// <param name="messages">The messages, all of one length, a multiple of 64 bytes.</param>
    /// <param name="digests">Where the digests go, one after the other.</param>
    /// <exception cref="ArgumentException">The messages have no such length, or there is no room for the digests.</exception>
    public static unsafe void Hash(ReadOnlySpan<byte> messages, Span<byte> digests)
    {
        int length = messages.Length / Count;
        if (messages.Length % (Count * BlockBytes) != 0 || digests.Length < Count * SHA256.HashSizeInBytes)
            throw new ArgumentException($"{Count} messages of whole blocks and room for as many digests are expected.", nameof(messages));

        // On whole lines of the cache: vectors across two of them take twice as long.
        byte* memory = stackalloc byte[((2 * (StateWords + Rounds) + 1) * sizeof(Words)) + (Count * BurstStride)];
        Words* state = (Words*)(((nint)memory + sizeof(Words) - 1) & -sizeof(Words));
        Words* schedule = state + (2 * StateWords);
        byte* burst = (byte*)(schedule + (2 * Rounds));
        for (int word = 0; word < StateWords; word++)
            state[word] = state[StateWords + word] = Vector512.Create(InitialState[word]);

        fixed (byte* first = messages)
        {
            for (int offset = 0; offset < length; offset += BurstBytes)
            {
                int bytes = Math.Min(BurstBytes, length - offset);
                for (int lane = 0; lane < Count; lane++)
                    Unsafe.CopyBlockUnaligned(burst + (lane * BurstStride), first + (lane * length) + offset, (uint)bytes);
                for (int block = 0; block < bytes; block += BlockBytes)
                {
                    Load(burst + block, schedule);
                    Load(burst + (LanesOfVector * BurstStride) + block, schedule + Rounds);
                    Compress(state, schedule);
                }
            }
        }

        // The padding of whole blocks: one bit, zeros, and the length in bits.
        for (int word = 0; word < BlockWords; word++)
        {
            schedule[word] = schedule[Rounds + word] = Vector512.Create(word switch
            {
                0 => 0x80000000,
                BlockWords - 2 => (uint)(length >> 29),
                BlockWords - 1 => (uint)length << 3,
                _ => 0,
            });
        }

        Compress(state, schedule);
        for (int lane = 0; lane < Count; lane++)
        {
            for (int word = 0; word < StateWords; word++)
            {
                uint value = state[(lane / LanesOfVector * StateWords) + word][lane % LanesOfVector];
                BinaryPrimitives.WriteUInt32BigEndian(digests[((lane * SHA256.HashSizeInBytes) + (word * sizeof(uint)))..], value);
            }
        }
    }

    // Transposes a block of each message: the first word of every message, then the second, and so on.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Load(byte* block, Words* words)
    {
        Vector512<byte> swap = ReversedBytes;
        for (int row = 0; row < BlockWords; row += 4)
        {
            Words a = LoadRow(block, row, swap), b = LoadRow(block, row + 1, swap), c = LoadRow(block, row + 2, swap), d = LoadRow(block, row + 3, swap);
            Vector512<ulong> lowAb = Avx512F.UnpackLow(a, b).AsUInt64(), lowCd = Avx512F.UnpackLow(c, d).AsUInt64();
            Vector512<ulong> highAb = Avx512F.UnpackHigh(a, b).AsUInt64(), highCd = Avx512F.UnpackHigh(c, d).AsUInt64();
            words[row] = Avx512F.UnpackLow(lowAb, lowCd).AsUInt32();
            words[row + 1] = Avx512F.UnpackHigh(lowAb, lowCd).AsUInt32();
            words[row + 2] = Avx512F.UnpackLow(highAb, highCd).AsUInt32();
            words[row + 3] = Avx512F.UnpackHigh(highAb, highCd).AsUInt32();
        }

        // What is left to do is to transpose the quarters of every fourth vector.
        for (int word = 0; word < 4; word++)
        {
            Words a = words[word], b = words[word + 4], c = words[word + 8], d = words[word + 12];
            Words lowAb = Avx512F.Shuffle4x128(a, b, 0x44), highAb = Avx512F.Shuffle4x128(a, b, 0xEE);
            Words lowCd = Avx512F.Shuffle4x128(c, d, 0x44), highCd = Avx512F.Shuffle4x128(c, d, 0xEE);
            words[word] = Avx512F.Shuffle4x128(lowAb, lowCd, 0x88);
            words[word + 4] = Avx512F.Shuffle4x128(lowAb, lowCd, 0xDD);
            words[word + 8] = Avx512F.Shuffle4x128(highAb, highCd, 0x88);
            words[word + 12] = Avx512F.Shuffle4x128(highAb, highCd, 0xDD);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe Words LoadRow(byte* block, int row, Vector512<byte> swap) =>
        Avx512BW.Shuffle(Vector512.Load(block + (row * BurstStride)), swap).AsUInt32();

    // The schedule of both vectors, then eight rounds a turn, after which every variable has its own name again.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static unsafe void Compress(Words* state, Words* schedule)
    {
        for (int t = 0; t < Rounds - BlockWords; t += 2)
        {
            Extend(schedule + t);
            Extend(schedule + Rounds + t);
            Extend(schedule + t + 1);
            Extend(schedule + Rounds + t + 1);
        }

        Words* state2 = state + StateWords;
        Words a = state[0], b = state[1], c = state[2], d = state[3], e = state[4], f = state[5], g = state[6], h = state[7];
        Words a2 = state2[0], b2 = state2[1], c2 = state2[2], d2 = state2[3], e2 = state2[4], f2 = state2[5], g2 = state2[6], h2 = state2[7];
        for (int t = 0; t < Rounds; t += 8)
        {
            Words* w = schedule + t;
            ReadOnlySpan<uint> k = Constants.Slice(t, 8);
            Round(a, b, c, ref d, e, f, g, ref h, w[0], k[0]);
            Round(a2, b2, c2, ref d2, e2, f2, g2, ref h2, w[Rounds], k[0]);
            Round(h, a, b, ref c, d, e, f, ref g, w[1], k[1]);
            Round(h2, a2, b2, ref c2, d2, e2, f2, ref g2, w[Rounds + 1], k[1]);
            Round(g, h, a, ref b, c, d, e, ref f, w[2], k[2]);
            Round(g2, h2, a2, ref b2, c2, d2, e2, ref f2, w[Rounds + 2], k[2]);
            Round(f, g, h, ref a, b, c, d, ref e, w[3], k[3]);
            Round(f2, g2, h2, ref a2, b2, c2, d2, ref e2, w[Rounds + 3], k[3]);
            Round(e, f, g, ref h, a, b, c, ref d, w[4], k[4]);
            Round(e2, f2, g2, ref h2, a2, b2, c2, ref d2, w[Rounds + 4], k[4]);
            Round(d, e, f, ref g, h, a, b, ref c, w[5], k[5]);
            Round(d2, e2, f2, ref g2, h2, a2, b2, ref c2, w[Rounds + 5], k[5]);
            Round(c, d, e, ref f, g, h, a, ref b, w[6], k[6]);
            Round(c2, d2, e2, ref f2, g2, h2, a2, ref b2, w[Rounds + 6], k[6]);
            Round(b, c, d, ref e, f, g, h, ref a, w[7], k[7]);
            Round(b2, c2, d2, ref e2, f2, g2, h2, ref a2, w[Rounds + 7], k[7]);
        }

        state[0] += a;
        state[1] += b;
        state[2] += c;
        state[3] += d;
        state[4] += e;
        state[5] += f;
        state[6] += g;
        state[7] += h;
        state2[0] += a2;
        state2[1] += b2;
        state2[2] += c2;
        state2[3] += d2;
        state2[4] += e2;
        state2[5] += f2;
        state2[6] += g2;
        state2[7] += h2;
    }

    // Written so that as little as can be waits for what the round before it changed last, which is e and a.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Round(Words a, Words b, Words c, ref Words d, Words e, Words f, Words g, ref Words h, Words w, uint k)
    {
        Words known = h + (w + Vector512.Create(k));
        Words choice = Avx512F.TernaryLogic(e, f, g, Choice);
        Words sumOfE = Avx512F.TernaryLogic(Avx512F.RotateRight(e, 6), Avx512F.RotateRight(e, 11), Avx512F.RotateRight(e, 25), Parity);
        Words majority = Avx512F.TernaryLogic(a, b, c, Majority);
        Words sumOfA = Avx512F.TernaryLogic(Avx512F.RotateRight(a, 2), Avx512F.RotateRight(a, 13), Avx512F.RotateRight(a, 22), Parity);
        d = known + d + choice + sumOfE;
        h = known + choice + majority + sumOfE + sumOfA;
    }

    // The word of the schedule that stands sixteen places further on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe void Extend(Words* w)
    {
        Words near = w[1], far = w[14];
        w[BlockWords] = w[0] + w[9]
            + Avx512F.TernaryLogic(Avx512F.RotateRight(near, 7), Avx512F.RotateRight(near, 18), Avx512F.ShiftRightLogical(near, 3), Parity)
            + Avx512F.TernaryLogic(Avx512F.RotateRight(far, 17), Avx512F.RotateRight(far, 19), Avx512F.ShiftRightLogical(far, 10), Parity);
    }
}
