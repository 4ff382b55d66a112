namespace RobustTrain.Training.Prediction;

/// <summary>The files that are being written, so that a process that ends at once can delete them.</summary>
internal sealed class UnfinishedFiles
{
    private readonly Lock _gate = new();
    private readonly List<ResultFile> _files = [];
    private bool _isDiscarded;

    /// <summary>Opens a file.</summary>
    /// <exception cref="Runs.RunException">The disk refuses.</exception>
    /// <exception cref="OperationCanceledException">The process is ending, and would leave the file behind.</exception>
    public ResultFile Open(string path)
    {
        lock (_gate)
        {
            if (_isDiscarded)
                throw new OperationCanceledException();
            ResultFile file = new(path);
            _files.Add(file);
            return file;
        }
    }

    /// <summary>Says that these files are whole, or gone.</summary>
    public void Forget(params ReadOnlySpan<ResultFile?> files)
    {
        lock (_gate)
        {
            foreach (ResultFile? file in files)
                _files.RemoveAll(candidate => candidate == file);
        }
    }

    /// <summary>Deletes what is half written, while another thread may still be writing.</summary>
    public void Discard()
    {
        lock (_gate)
        {
            _isDiscarded = true;
            _files.ForEach(file => file.Abandon());
        }
    }
}
