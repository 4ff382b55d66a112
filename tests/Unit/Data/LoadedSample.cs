using System.Runtime.InteropServices;
using RobustTrain.Data;
using RobustTrain.Data.Loading.Ring;

namespace RobustTrain.Tests.Data;

/// <summary>A sample of a change dataset, loaded without a loader.</summary>
internal sealed record LoadedSample(float[] Image1, float[] Image2, long[] Label)
{
    public static unsafe LoadedSample Of(IDataset dataset, SampleKey key)
    {
        SlotLayout layout = new(dataset.Fields, 1);
        byte* memory = (byte*)NativeMemory.AlignedAlloc((nuint)layout.Bytes, 64);
        try
        {
            SampleBuffer buffer = new(memory, layout.Placements, 0);
            dataset.Load(key, buffer);
            return new LoadedSample(buffer.Field<float>(0).ToArray(), buffer.Field<float>(1).ToArray(), buffer.Field<long>(2).ToArray());
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }
}
