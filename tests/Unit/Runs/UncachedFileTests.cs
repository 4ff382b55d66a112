using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using RobustTrain.Runs;

namespace RobustTrain.Tests.Runs;

public sealed class UncachedFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    // An odd length at an odd place, which no disk takes past the cache.
    [Fact]
    public void What_a_disk_does_not_take_past_the_cache_goes_through_it()
    {
        byte[] content = RandomNumberGenerator.GetBytes(10_001);
        using (SafeFileHandle file = File.OpenHandle(_folder.At("file"), FileMode.Create, FileAccess.Write))
        {
            UncachedFile.Begin(file);
            UncachedFile.Write(file, content.AsSpan(0, 17), 0);
            UncachedFile.Write(file, content.AsSpan(17), 17);
        }

        Assert.Equal(content, File.ReadAllBytes(_folder.At("file")));
    }

    [Fact]
    public void What_the_disk_refuses_for_good_is_thrown()
    {
        File.WriteAllBytes(_folder.At("file"), []);
        using SafeFileHandle readOnly = File.OpenHandle(_folder.At("file"));
        Assert.Throws<UnauthorizedAccessException>(() => UncachedFile.Write(readOnly, new byte[16], 0));
    }

    public void Dispose() => _folder.Dispose();
}
