using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RobustTrain.Training;

/// <summary>
/// Derives every seed of a run from the one that the configuration gives: the first eight bytes (little-endian, the sign bit cleared)
/// of SHA-256 over the UTF-8 text <c>robusttrain/{purpose}/{seed}/{index}</c>, numbers in decimal. See docs/decisions/seeds.md.
/// </summary>
public static class SeedDerivation
{
    /// <summary>The purpose of the initial weights' seed.</summary>
    public const string Weights = "weights";

    /// <summary>The purpose of the seed of order and augmentation.</summary>
    public const string Data = "data";

    /// <summary>The purpose of the seed of a step's own randomness, such as dropout; its index is the global step.</summary>
    public const string Step = "step";

    /// <summary>The seed for <paramref name="purpose"/>, from 0 to <see cref="long.MaxValue"/>.</summary>
    public static long Derive(long seed, string purpose, long index = 0)
    {
        Span<byte> text = stackalloc byte[128];
        int length = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"robusttrain/{purpose}/{seed}/{index}"), text);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(text[..length], hash);
        return BinaryPrimitives.ReadInt64LittleEndian(hash) & long.MaxValue;
    }
}
