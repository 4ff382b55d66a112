using System.Runtime.InteropServices;

namespace RobustTrain.Data.Loading;

/// <summary>One sample of a slot, in memory that workers share.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct SampleTask
{
    /// <summary>The sample's index in the data set.</summary>
    public int Index;

    /// <summary>The epoch that keys its randomness.</summary>
    public int KeyEpoch;

    /// <summary>A <see cref="TaskStatus"/>.</summary>
    public int Status;

    /// <summary>The <see cref="Attempt"/> of a sample in quarantine.</summary>
    public const int NotToBeTried = -1;

    /// <summary>How often it was tried before.</summary>
    public int Attempt;
}
